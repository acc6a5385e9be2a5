//! Removing old entries of the sync log.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{ANN, BEN, RUN, samples, session};
use crate::id::{LogId, UserId};
use crate::time::Timestamp;

const RECENT: usize = 100;

async fn ids(h: &Harness, user: UserId) -> Outcome<Vec<LogId>> {
    let status = h.sync().status(user, RECENT).await?;
    Ok(status
        .recent_syncs
        .iter()
        .map(|entry| entry.id)
        .rev()
        .collect())
}

/// Entries older than the moment in question go, the oldest first, as many at a time as asked; later
/// ones stay, and new ones come behind them.
pub(crate) async fn old_log_entries_go_oldest_first(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    for _ in 0..7 {
        h.push(ANN, &session(RUN), &[]).await?;
    }
    let all = ids(h, ANN).await?;
    // The entry of that very moment is not older than it.
    let before = Timestamp::from_micros(all[5].0);
    ensure_eq!(store.count_logs(ANN, before).await?, 5, "old entries");
    ensure_eq!(
        store.purge_logs(ANN, before, 2).await?,
        2,
        "purged at first"
    );
    ensure_eq!(ids(h, ANN).await?, all[2..], "entries after two");
    ensure_eq!(store.count_logs(ANN, before).await?, 3, "old entries");
    ensure_eq!(store.purge_logs(ANN, before, 100).await?, 3, "purged then");
    ensure_eq!(
        store.purge_logs(ANN, before, 100).await?,
        0,
        "purged at last"
    );
    ensure_eq!(ids(h, ANN).await?, all[5..], "entries in the end");
    let far = before.plus_micros(i64::from(i32::MAX));
    store.purge_logs(ANN, far, 100).await?;
    ensure_eq!(ids(h, ANN).await?, [], "entries when all are old");
    let next = h
        .push(ANN, &session(RUN), &samples("gps", 0..1))
        .await?
        .log_id;
    ensure!(
        next > all[6],
        "the next entry is {next:?}, the last was {:?}",
        all[6]
    );
    ensure_eq!(ids(h, ANN).await?, [next], "entries after a push");
    Ok(())
}

/// Each purge is of one user.
pub(crate) async fn log_entries_of_others_stay(h: &Harness) -> Outcome {
    let store = h.maintenance()?;
    for user in [ANN, BEN, ANN] {
        h.push(user, &session(RUN), &[]).await?;
    }
    let late = h.now().plus_micros(1);
    let nobody = UserId(77);
    ensure_eq!(
        store.count_logs(nobody, late).await?,
        0,
        "entries of nobody"
    );
    ensure_eq!(
        store.purge_logs(nobody, late, 9).await?,
        0,
        "entries of nobody"
    );
    ensure_eq!(store.count_logs(BEN, late).await?, 1, "entries of one user");
    ensure_eq!(
        store.purge_logs(BEN, late, 9).await?,
        1,
        "entries of one user"
    );
    ensure_eq!(ids(h, ANN).await?.len(), 2, "entries of the other");
    Ok(())
}
