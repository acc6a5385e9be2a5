//! The user clock.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, MICROS_PER_SECOND, NOON, RUN, WALK, everything, record, samples, session, session_with,
};
use crate::time::Timestamp;

/// Makes changes at the given wall clocks and checks that each has a clock of its own, later than
/// the one before.
async fn strictly_grows(h: &Harness, walls: impl IntoIterator<Item = Timestamp>) -> Outcome {
    let mut last = Timestamp::ZERO;
    for (number, now) in walls.into_iter().enumerate() {
        let clock = if number % 3 == 2 {
            h.sync().delete_session(ANN, RUN, now).await?
        } else {
            let value = record("gps", 1, &format!(r#"{{"x":{number}}}"#));
            h.push_at(now, ANN, &session(RUN), &[value]).await?.clock
        };
        ensure!(
            clock > last,
            "change {number} has clock {clock}, the one before {last}"
        );
        ensure_eq!(
            h.state(ANN, RUN).await?.updated_at,
            clock,
            "updated_at of change {number}"
        );
        last = clock;
    }
    Ok(())
}

/// While the wall clock goes on, the user clock follows it.
pub(crate) async fn the_clock_follows_the_wall_clock(h: &Harness) -> Outcome {
    let now = NOON.plus_micros(123_456);
    let outcome = h.push_at(now, ANN, &session(RUN), &[]).await?;
    ensure_eq!(outcome.clock, now, "the clock of a push");
    Ok(())
}

/// The user clock strictly grows also where the wall clock stands still.
pub(crate) async fn the_clock_grows_while_time_stands_still(h: &Harness) -> Outcome {
    strictly_grows(h, [NOON; 6]).await
}

/// The user clock strictly grows also where the wall clock steps back.
pub(crate) async fn the_clock_grows_while_time_runs_backwards(h: &Harness) -> Outcome {
    let back = |seconds: i64| NOON.plus_micros(-seconds * MICROS_PER_SECOND);
    strictly_grows(h, (0..6).map(back)).await
}

/// A change is seen at its clock: in `updated_at`, in the answer, and as the clock of a pull.
pub(crate) async fn a_change_moves_updated_at_to_the_clock(h: &Harness) -> Outcome {
    h.push(ANN, &session(WALK), &[]).await?;
    let created = h.push(ANN, &session(RUN), &[]).await?.clock;
    ensure_eq!(
        h.state(ANN, RUN).await?.created_at,
        created,
        "created_at of a new session"
    );
    let changes: [(&str, &[String]); 3] = [
        (r#""notes":"rain""#, &[]),
        ("", &samples("gps", 0..2)),
        ("", &[record("gps", 1, r#"{"x":"new"}"#)]),
    ];
    for (members, records) in changes {
        let outcome = h.push(ANN, &session_with(RUN, members), records).await?;
        let state = h.state(ANN, RUN).await?;
        ensure_eq!(state.updated_at, outcome.clock, "updated_at after a change");
        ensure_eq!(state.created_at, created, "created_at after a change");
        let head = h.pull(everything(ANN)).await?;
        ensure_eq!(
            head.clock,
            outcome.clock,
            "the clock of a pull after a change"
        );
    }
    Ok(())
}

/// A change of one session leaves the others as they were.
pub(crate) async fn a_change_moves_only_its_session(h: &Harness) -> Outcome {
    h.push(ANN, &session(WALK), &samples("gps", 0..2)).await?;
    h.push(ANN, &session(RUN), &[]).await?;
    let before = h.state(ANN, WALK).await?;
    h.push(ANN, &session(RUN), &samples("gps", 0..2)).await?;
    ensure_eq!(h.state(ANN, WALK).await?, before, "the other session");
    Ok(())
}

/// Of a user who never changed anything the clock is zero: a pull's clock is no wall clock.
pub(crate) async fn without_a_change_the_clock_is_zero(h: &Harness) -> Outcome {
    let head = h.pull(everything(ANN)).await?;
    ensure_eq!(head.clock, Timestamp::ZERO, "the clock of an unknown user");
    ensure_eq!(
        (head.total, head.has_more, head.sessions),
        (0, false, vec![]),
        "an empty pull"
    );
    Ok(())
}
