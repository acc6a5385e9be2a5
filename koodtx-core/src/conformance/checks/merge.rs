//! How records merge: last write wins.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{
    ANN, MICROS_PER_SECOND, RIDE, RUN, WALK, before_noon, edited, record, session,
};
use crate::id::SessionId;
use crate::limits::STAMP_AHEAD_MAX_MICROS;
use crate::time::Timestamp;

/// Pushes values of one record one after another.
async fn write(h: &Harness, id: SessionId, writes: &[(&str, Timestamp)]) -> Outcome<String> {
    for (data, stamp) in writes {
        h.push(ANN, &session(id), &[edited("gps", 1, data, *stamp)])
            .await?;
    }
    h.value(ANN, id).await
}

/// Of two values the one that the client modified later wins, in whatever order they arrive.
pub(crate) async fn the_later_stamp_wins_in_both_orders(h: &Harness) -> Outcome {
    // The older value is the greater one, so that a store which compares values only is caught.
    let (old, new) = (
        (r#"{"x":9}"#, before_noon(20)),
        (r#"{"x":1}"#, before_noon(10)),
    );
    ensure_eq!(write(h, RUN, &[old, new]).await?, new.0, "old, then new");
    ensure_eq!(write(h, WALK, &[new, old]).await?, new.0, "new, then old");
    Ok(())
}

/// A value without a stamp counts as written when the server accepts it: later than what a client
/// modified before.
pub(crate) async fn a_value_without_a_stamp_is_written_on_arrival(h: &Harness) -> Outcome {
    write(h, RUN, &[(r#"{"x":9}"#, before_noon(10))]).await?;
    h.push(ANN, &session(RUN), &[record("gps", 1, r#"{"x":1}"#)])
        .await?;
    let value = write(h, RUN, &[(r#"{"x":5}"#, before_noon(5))]).await?;
    ensure_eq!(
        value,
        r#"{"x":1}"#,
        "the value that came without a stamp, and last by the clock"
    );
    Ok(())
}

/// Equal stamps are decided by the values, so every order of arrival ends in the same state.
pub(crate) async fn equal_stamps_are_decided_by_value_in_both_orders(h: &Harness) -> Outcome {
    let stamp = before_noon(10);
    let (small, great) = ((r#"{"x":1}"#, stamp), (r#"{"x":2}"#, stamp));
    ensure_eq!(
        write(h, RUN, &[small, great]).await?,
        great.0,
        "small, then great"
    );
    ensure_eq!(
        write(h, WALK, &[great, small]).await?,
        great.0,
        "great, then small"
    );
    Ok(())
}

/// An equal value with a newer stamp of the client's raises the stored stamp: an edit in between
/// loses, as it would on a replica that saw the three in another order.
pub(crate) async fn an_equal_value_with_a_newer_stamp_raises_the_stamp(h: &Harness) -> Outcome {
    let same = r#"{"x":1}"#;
    let first = h
        .push(
            ANN,
            &session(RUN),
            &[edited("gps", 1, same, before_noon(30))],
        )
        .await?;
    let again = h
        .push(
            ANN,
            &session(RUN),
            &[edited("gps", 1, same, before_noon(10))],
        )
        .await?;
    ensure_eq!(
        (again.updated, again.duplicates),
        (0, 1),
        "updated, duplicates of the raise"
    );
    ensure_eq!(again.clock, first.clock, "the clock after the raise");
    let value = write(h, RUN, &[(r#"{"x":2}"#, before_noon(20))]).await?;
    ensure_eq!(
        value,
        same,
        "after an edit that is older than the raised stamp"
    );
    Ok(())
}

/// A stamp from the future is clamped to the server's time, so that a device with a wrong clock
/// cannot pin a value for ever.
pub(crate) async fn a_stamp_from_the_far_future_is_clamped(h: &Harness) -> Outcome {
    let now = h.now();
    let far = now.plus_micros(STAMP_AHEAD_MAX_MICROS + MICROS_PER_SECOND);
    let wrong = [edited("gps", 1, r#"{"x":"wrong clock"}"#, far)];
    h.push_at(now, ANN, &session(RUN), &wrong).await?;
    let later = now.plus_micros(1);
    h.push_at(
        later,
        ANN,
        &session(RUN),
        &[edited("gps", 1, r#"{"x":1}"#, later)],
    )
    .await?;
    ensure_eq!(
        h.value(ANN, RUN).await?,
        r#"{"x":1}"#,
        "the value after the next edit"
    );
    Ok(())
}

/// A stamp a little ahead of the server is taken as it is: clocks differ.
pub(crate) async fn a_stamp_from_the_near_future_is_kept(h: &Harness) -> Outcome {
    let now = h.now();
    let near = now.plus_micros(STAMP_AHEAD_MAX_MICROS);
    h.push_at(
        now,
        ANN,
        &session(RUN),
        &[edited("gps", 1, r#"{"x":1}"#, near)],
    )
    .await?;
    let later = now.plus_micros(MICROS_PER_SECOND);
    h.push_at(
        later,
        ANN,
        &session(RUN),
        &[edited("gps", 1, r#"{"x":2}"#, later)],
    )
    .await?;
    ensure_eq!(
        h.value(ANN, RUN).await?,
        r#"{"x":1}"#,
        "the value with the stamp ahead"
    );
    Ok(())
}

/// Values are equal as JSON values: numbers by their value, objects whatever the order of keys.
pub(crate) async fn equal_values_in_other_words_are_equal(h: &Harness) -> Outcome {
    for (id, data, same) in [
        (RUN, r#"{"x":1}"#, r#"{"x":1.0}"#),
        (WALK, r#"{"x":100,"y":[0]}"#, r#"{ "y" : [-0.0], "x":1e2 }"#),
        (
            RIDE,
            r#"{"x":"A/","y":{"a":1,"b":2}}"#,
            r#"{"y":{"b":2,"a":1},"x":"\u0041\/"}"#,
        ),
    ] {
        let first = h.push(ANN, &session(id), &[record("gps", 1, data)]).await?;
        let again = h.push(ANN, &session(id), &[record("gps", 1, same)]).await?;
        ensure_eq!(
            (again.updated, again.duplicates),
            (0, 1),
            "{data}, then {same}"
        );
        ensure_eq!(
            again.clock,
            first.clock,
            "the clock after {data}, then {same}"
        );
    }
    Ok(())
}

/// The state depends on what was pushed, not on the order in which it arrived.
pub(crate) async fn every_order_of_arrival_ends_in_the_same_state(h: &Harness) -> Outcome {
    let one = r#"{"x":1}"#;
    let two = r#"{"x":2}"#;
    let writes = [
        (one, before_noon(30)),
        (two, before_noon(20)),
        (one, before_noon(10)),
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for (number, order) in orders.into_iter().enumerate() {
        let id = crate::conformance::script::session_id(number as u128 + 1);
        let value = write(h, id, &order.map(|index| writes[index])).await?;
        ensure_eq!(value, one, "the value after the order {order:?}");
    }
    Ok(())
}
