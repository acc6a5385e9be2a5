//! The sync log.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::harness::{PUSH_REQUEST_ID, push_command};
use crate::conformance::script::{
    ANN, BEN, NOON, RUN, WALK, before_noon, body, record, samples, sensor, session, session_with,
};
use crate::id::LogId;
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncLogEntry, SyncStatus};

const RECENT: usize = 100;

async fn log(h: &Harness) -> Outcome<Vec<SyncLogEntry>> {
    Ok(h.sync().status(ANN, RECENT).await?.recent_syncs)
}

async fn newest(h: &Harness) -> Outcome<SyncLogEntry> {
    let newest = log(h).await?.into_iter().next();
    newest.ok_or_else(|| Failure::new("the sync log is empty"))
}

fn of_a_pull() -> NewSyncLogEntry {
    NewSyncLogEntry {
        kind: SyncKind::Pull,
        status: SyncStatus::Failed,
        session_id: None,
        device_id: Some("watch \u{231A}".to_owned()),
        records_count: 7,
        inserted: 0,
        updated: 0,
        duplicates_count: 0,
        errors_count: 0,
        sensor_types: Vec::new(),
        body_bytes: 17,
        started_at: NOON,
        error: Some("the client went away".to_owned()),
        request_id: Some("a_pull".to_owned()),
    }
}

/// A push leaves one entry that says all of it.
pub(crate) async fn a_push_is_logged(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..4)).await?;
    let records = [
        record("gps", 0, r#"{"x":0}"#),
        record("gps", 1, r#"{"x":"new"}"#),
        record("acc", 1, r#"{"x":1}"#),
        record("acc", 1, r#"{"x":2}"#),
    ];
    let text = body(&session(RUN), &records);
    let (started_at, now) = (h.now(), h.now());
    let outcome = h
        .sync()
        .push(push_command(ANN, &text, started_at)?, now)
        .await?;
    let expected = SyncLogEntry {
        id: outcome.log_id,
        entry: NewSyncLogEntry {
            kind: SyncKind::Push,
            status: SyncStatus::Success,
            session_id: Some(RUN),
            device_id: Some("phone".to_owned()),
            records_count: 4,
            inserted: 1,
            updated: 1,
            duplicates_count: 2,
            errors_count: 0,
            sensor_types: vec![sensor("acc")?, sensor("gps")?],
            body_bytes: text.len() as u64,
            started_at,
            error: None,
            request_id: Some(PUSH_REQUEST_ID.to_owned()),
        },
        completed_at: now,
    };
    ensure_eq!(newest(h).await?, expected, "the entry of a push");
    ensure_eq!(log(h).await?.len(), 2, "entries after two pushes");
    Ok(())
}

/// A push with refused records is logged as partial.
pub(crate) async fn a_push_with_errors_is_logged_as_partial(h: &Harness) -> Outcome {
    let records = [
        record("gps", 1, r#"{"x":1}"#),
        record("gps", -1, r#"{"x":1}"#),
    ];
    h.push(ANN, &session(RUN), &records).await?;
    let SyncLogEntry { entry, .. } = newest(h).await?;
    ensure_eq!(entry.status, SyncStatus::Partial, "status");
    let counts = (entry.records_count, entry.inserted, entry.errors_count);
    ensure_eq!(counts, (2, 1, 1), "records, inserted, errors");
    Ok(())
}

/// A push that changes nothing is logged too: a retry, and one older than a deletion.
pub(crate) async fn a_push_without_effect_is_logged(h: &Harness) -> Outcome {
    let records = samples("gps", 0..3);
    h.push(ANN, &session(RUN), &records).await?;
    h.push(ANN, &session(RUN), &records).await?;
    h.delete(ANN, RUN).await?;
    let old = session_with(RUN, &format!(r#""updated_at":"{}""#, before_noon(1)));
    h.push(ANN, &old, &records).await?;
    let log = log(h).await?;
    let counts: Vec<_> = log
        .iter()
        .map(|SyncLogEntry { entry, .. }| (entry.inserted, entry.duplicates_count))
        .collect();
    ensure_eq!(
        counts,
        [(0, 3), (0, 3), (3, 0)],
        "inserted, duplicates, the newest first"
    );
    Ok(())
}

/// What a caller logs comes back as it was.
pub(crate) async fn a_logged_entry_comes_back(h: &Harness) -> Outcome {
    let now = h.now();
    let id = h.sync().log(ANN, of_a_pull(), now).await?;
    let expected = SyncLogEntry {
        id,
        entry: of_a_pull(),
        completed_at: now,
    };
    ensure_eq!(newest(h).await?, expected, "the entry");
    Ok(())
}

/// Entries come the newest first, with ids that are unique and grow, also while the wall clock
/// stands still or steps back.
pub(crate) async fn log_entries_come_newest_first(h: &Harness) -> Outcome {
    let mut ids: Vec<LogId> = Vec::new();
    for seconds in [9, 9, 9, 20, 1] {
        let now = before_noon(seconds);
        ids.push(h.push_at(now, ANN, &session(WALK), &[]).await?.log_id);
        ids.push(h.sync().log(ANN, of_a_pull(), now).await?);
    }
    ensure!(
        ids.is_sorted_by(|left, right| left < right),
        "ids do not grow: {ids:?}"
    );
    ids.reverse();
    let listed: Vec<_> = log(h).await?.iter().map(|entry| entry.id).collect();
    ensure_eq!(listed, ids, "ids, the newest first");
    Ok(())
}

/// A status shows as many entries as were asked for.
pub(crate) async fn a_status_shows_as_many_entries_as_asked(h: &Harness) -> Outcome {
    for number in 0..4 {
        h.push(ANN, &session(RUN), &samples("gps", [number]))
            .await?;
    }
    for (recent, expected) in [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4)] {
        let shown = h.sync().status(ANN, recent).await?.recent_syncs.len();
        ensure_eq!(shown, expected, "entries of the last {recent}");
    }
    Ok(())
}

/// The log is read from its beginning, the oldest entry first, each once, in steps of any size.
pub(crate) async fn the_log_is_read_in_steps(h: &Harness) -> Outcome {
    let sync = h.sync();
    ensure_eq!(sync.log_entries(ANN, None, 10).await?, [], "an empty log");
    let mut expected = Vec::new();
    for number in 0..4 {
        let pushed = h
            .push(ANN, &session(RUN), &samples("gps", [number]))
            .await?;
        expected.push(pushed.log_id);
    }
    h.push(BEN, &session(WALK), &[]).await?;
    for limit in 1..=expected.len() + 1 {
        let mut seen: Vec<LogId> = Vec::new();
        while seen.len() <= expected.len() {
            let step = sync.log_entries(ANN, seen.last().copied(), limit).await?;
            ensure!(step.len() <= limit, "{} entries of {limit}", step.len());
            if step.is_empty() {
                break;
            }
            seen.extend(step.iter().map(|entry| entry.id));
        }
        ensure_eq!(seen, expected, "entries in steps of {limit}");
    }
    let whole = sync.log_entries(ANN, None, 1).await?;
    let records = whole.first().map(|first| first.entry.records_count);
    ensure_eq!(records, Some(1), "records of the first entry");
    Ok(())
}
