//! How pushes are counted.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{ANN, RUN, WALK, record, samples, session, session_with};
use crate::store::PushOutcome;

/// Inserted, updated, duplicates.
fn counts(outcome: &PushOutcome) -> (u64, u64, u64) {
    (outcome.inserted, outcome.updated, outcome.duplicates)
}

/// A record whose key is absent is inserted.
pub(crate) async fn a_fresh_push_inserts_every_record(h: &Harness) -> Outcome {
    let outcome = h.push(ANN, &session(RUN), &samples("gps", 0..5)).await?;
    ensure_eq!(counts(&outcome), (5, 0, 0), "inserted, updated, duplicates");
    Ok(())
}

/// A session needs no records.
pub(crate) async fn a_push_without_records_creates_the_session(h: &Harness) -> Outcome {
    let outcome = h.push(ANN, &session(RUN), &[]).await?;
    ensure_eq!(counts(&outcome), (0, 0, 0), "inserted, updated, duplicates");
    let state = h.state(ANN, RUN).await?;
    ensure_eq!(
        (state.live, state.data_count),
        (true, 0),
        "live, data_count"
    );
    Ok(())
}

/// Pushing the same again inserts and updates nothing.
pub(crate) async fn a_retry_counts_duplicates(h: &Harness) -> Outcome {
    let records = samples("gps", 0..5);
    h.push(ANN, &session(RUN), &records).await?;
    let retry = h.push(ANN, &session(RUN), &records).await?;
    ensure_eq!(counts(&retry), (0, 0, 5), "inserted, updated, duplicates");
    Ok(())
}

/// Pushing the same again leaves `updated_at` and the user clock alone, so that no other device
/// downloads it again.
pub(crate) async fn a_retry_moves_no_clock(h: &Harness) -> Outcome {
    let (metadata, records) = (session_with(RUN, r#""notes":"rain""#), samples("gps", 0..5));
    let first = h.push(ANN, &metadata, &records).await?;
    let before = h.state(ANN, RUN).await?;
    let retry = h.push(ANN, &metadata, &records).await?;
    ensure_eq!(retry.clock, first.clock, "the clock after a retry");
    ensure_eq!(
        h.state(ANN, RUN).await?,
        before,
        "the session after a retry"
    );
    let pulled = h.pull_since(ANN, first.clock).await?;
    ensure_eq!(pulled.sessions, [], "what a pull shows after a retry");
    Ok(())
}

/// A record with another value that wins is updated, and takes no new key.
pub(crate) async fn a_conflicting_push_updates(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    let outcome = h
        .push(ANN, &session(RUN), &[record("gps", 1, r#"{"x":-1}"#)])
        .await?;
    ensure_eq!(counts(&outcome), (0, 1, 0), "inserted, updated, duplicates");
    ensure_eq!(
        h.values(ANN, RUN).await?,
        [
            r#"gps@0 {"x":0}"#,
            r#"gps@1000 {"x":-1}"#,
            r#"gps@2000 {"x":2}"#
        ],
        "the values after an update"
    );
    Ok(())
}

/// Every record of a push is counted once: as inserted, updated, duplicate or refused.
pub(crate) async fn counts_always_add_up(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..4)).await?;
    let records = [
        record("gps", 0, r#"{"x":0}"#),       // as stored
        record("gps", 1, r#"{"x":"other"}"#), // wins
        record("gps", 9, r#"{"x":"lost"}"#),  // replaced by the next
        record("gps", 9, r#"{"x":9}"#),       // new
        record("acc", 9, r#"{"x":9}"#),       // new, of another sensor
        record("gps", -1, r#"{"x":1}"#),      // refused
        record("", 1, r#"{"x":1}"#),          // refused
    ];
    let outcome = h.push(ANN, &session(RUN), &records).await?;
    ensure_eq!(counts(&outcome), (2, 1, 2), "inserted, updated, duplicates");
    Ok(())
}

/// Of two records with one key in one push the later wins, and the earlier is a duplicate.
pub(crate) async fn of_equal_keys_in_one_push_the_later_wins(h: &Harness) -> Outcome {
    let records = [
        record("gps", 1, r#"{"x":3}"#),
        record("gps", 1, r#"{"x":1}"#),
        record("gps", 1, r#"{"x":2}"#),
    ];
    let outcome = h.push(ANN, &session(RUN), &records).await?;
    ensure_eq!(counts(&outcome), (1, 0, 2), "inserted, updated, duplicates");
    ensure_eq!(
        h.value(ANN, RUN).await?,
        r#"{"x":2}"#,
        "the value of the later record"
    );
    Ok(())
}

/// `data_count` is the number of distinct keys stored, whatever was pushed again or changed.
pub(crate) async fn data_count_is_the_number_of_distinct_keys(h: &Harness) -> Outcome {
    let pushes: [&[String]; 4] = [
        &samples("gps", 0..4),
        &samples("gps", 2..6),
        &[
            record("gps", 3, r#"{"x":"new"}"#),
            record("acc", 3, r#"{"x":1}"#),
        ],
        &samples("acc", [7, 7, 7]),
    ];
    h.push(ANN, &session(WALK), &samples("gps", 0..9)).await?;
    for (records, expected) in pushes.into_iter().zip([4, 6, 7, 8]) {
        let outcome = h.push(ANN, &session(RUN), records).await?;
        ensure_eq!(
            outcome.data_count,
            expected,
            "data_count in the answer to a push"
        );
        ensure_eq!(
            h.state(ANN, RUN).await?.data_count,
            expected,
            "data_count of the session"
        );
        let stored = h.records(ANN, RUN).await?.len() as u64;
        ensure_eq!(stored, expected, "records that can be read");
    }
    Ok(())
}
