//! Users do not see each other.

use uuid::Uuid;

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure_eq};
use crate::conformance::follower::whole_copy;
use crate::conformance::script::{
    ANN, BEN, RUN, WALK, everything, record, samples, session, session_with,
};
use crate::id::SignInId;
use crate::pull::{PageStart, PullQuery, RoundKey};
use crate::store::StoreErrorKind;

/// What one user pushes does not show for another, in no way.
pub(crate) async fn a_user_sees_nothing_of_another(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    h.push(ANN, &session(WALK), &[]).await?;
    h.delete(ANN, WALK).await?;
    let store = h.sync();
    ensure_eq!(
        h.pull(everything(BEN)).await?.sessions,
        [],
        "sessions of a pull"
    );
    ensure_eq!(
        store.sessions(BEN, None, 10).await?.sessions,
        [],
        "listed sessions"
    );
    ensure_eq!(store.session(BEN, RUN).await?, None, "detail");
    ensure_eq!(h.records(BEN, RUN).await?, [], "records");
    let status = store.status(BEN, 10).await?;
    ensure_eq!(
        (status.total_sessions, status.recent_syncs.len()),
        (0, 0),
        "totals, log"
    );
    Ok(())
}

/// Two users may choose the same session id; each has a session of its own.
pub(crate) async fn session_ids_belong_to_their_user(h: &Harness) -> Outcome {
    h.push(
        ANN,
        &session_with(RUN, r#""notes":"Ann""#),
        &samples("gps", 0..3),
    )
    .await?;
    let ann = whole_copy(&**h.sync(), ANN).await?;
    let records = [
        record("gps", 1, r#"{"x":"Ben"}"#),
        record("acc", 1, r#"{"x":1}"#),
    ];
    let pushed = h
        .push(BEN, &session_with(RUN, r#""notes":"Ben""#), &records)
        .await?;
    ensure_eq!(
        (pushed.inserted, pushed.data_count),
        (2, 2),
        "inserted, data_count"
    );
    let values = [r#"acc@1000 {"x":1}"#, r#"gps@1000 {"x":"Ben"}"#];
    ensure_eq!(
        h.values(BEN, RUN).await?,
        values,
        "the second user's values"
    );
    ensure_eq!(
        whole_copy(&**h.sync(), ANN).await?,
        ann,
        "what the first user has"
    );
    Ok(())
}

/// Users have clocks of their own.
pub(crate) async fn users_have_clocks_of_their_own(h: &Harness) -> Outcome {
    let late = h.now().plus_micros(1_000_000);
    h.push_at(late, ANN, &session(RUN), &[]).await?;
    let early = late.plus_micros(-500_000);
    let pushed = h.push_at(early, BEN, &session(RUN), &[]).await?;
    ensure_eq!(
        pushed.clock,
        early,
        "the clock of a user with an earlier change"
    );
    Ok(())
}

/// One user's deletion leaves the other's session of the same id alone.
pub(crate) async fn a_deletion_touches_one_user_only(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    match h.sync().delete_session(BEN, RUN, h.now()).await {
        Err(error) if error.kind() == StoreErrorKind::NotFound => {}
        other => {
            return Err(Failure::new(format!(
                "deleting another's session gave {other:?}"
            )));
        }
    }
    h.push(BEN, &session(RUN), &samples("gps", 0..3)).await?;
    let ann = whole_copy(&**h.sync(), ANN).await?;
    h.delete(BEN, RUN).await?;
    ensure_eq!(
        whole_copy(&**h.sync(), ANN).await?,
        ann,
        "what the other user has"
    );
    Ok(())
}

/// A round is remembered for its user.
pub(crate) async fn rounds_belong_to_their_user(h: &Harness) -> Outcome {
    let round = RoundKey {
        sign_in: SignInId(Uuid::from_u128(1)),
        since: None,
        filter: 0,
    };
    for user in [ANN, BEN] {
        h.push(user, &session(RUN), &[]).await?;
        h.push(user, &session(WALK), &[]).await?;
    }
    h.pull(PullQuery {
        round: Some(round),
        limit: 1,
        ..everything(ANN)
    })
    .await?;
    let start = PageStart::Offset(1);
    let head = h
        .pull(PullQuery {
            round: Some(round),
            limit: 1,
            start,
            ..everything(BEN)
        })
        .await?;
    ensure_eq!(
        head.round_clock,
        None,
        "the clock found for another user's round"
    );
    Ok(())
}
