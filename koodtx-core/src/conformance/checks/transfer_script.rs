//! What the checks of transfers copy, and how.

use std::sync::Arc;

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure_eq};
use crate::conformance::script::{
    ANN, BEN, NOON, RIDE, RUN, WALK, before_noon, edited, record, samples, session, session_id,
    session_with,
};
use crate::id::{SessionId, UserId};
use crate::memory::MemoryStore;
use crate::store::{TransferItem, UserExport};
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use crate::time::Timestamp;
use crate::transfer;

/// Where the checks say that their data come from.
pub(super) const SOURCE: &str = "memory: of the suite";
/// A session without records.
pub(super) const EMPTY: SessionId = session_id(4);
/// A session whose records have ever more fields, of every kind.
pub(super) const ODD: SessionId = session_id(5);
/// An hour after everything that [`fill`] does.
pub(super) const LATER: Timestamp = NOON.plus_micros(3_600_000_000);

/// A memory store, beside the store under test.
pub(super) fn memory() -> Harness {
    Harness::new(Arc::new(MemoryStore::new()))
}

/// Sessions of every kind for two users. Returns every user clock that a device of [`ANN`] may have.
pub(super) async fn fill(h: &Harness) -> Outcome<Vec<Timestamp>> {
    let mut clocks = vec![Timestamp::ZERO];
    let notes = format!(r#""notes":"rain","updated_at":"{}""#, before_noon(100));
    clocks.push(
        h.push(ANN, &session_with(RUN, &notes), &samples("gps", 0..1_200))
            .await?
            .clock,
    );
    let edits = [
        edited("acc", 1, r#"{"x":1.5,"y":"text"}"#, before_noon(50)),
        edited("acc", 2, r#"{"x":[1,{"y":null}]}"#, before_noon(50)),
        record("gps", 700, r#"{"x":"changed"}"#),
    ];
    clocks.push(h.push(ANN, &session(RUN), &edits).await?.clock);
    clocks.push(
        h.push(ANN, &session(WALK), &samples("gps", 0..3))
            .await?
            .clock,
    );
    clocks.push(
        h.push(ANN, &session(RIDE), &samples("gps", 0..3))
            .await?
            .clock,
    );
    // Raises the stamps of a record and of a field, without a step of the clock.
    let raised = session_with(
        RUN,
        &format!(r#""notes":"rain","updated_at":"{}""#, before_noon(20)),
    );
    let equal = edited("acc", 1, r#"{"x":1.5,"y":"text"}"#, before_noon(20));
    h.push(ANN, &raised, &[equal]).await?;
    clocks.push(h.delete(ANN, WALK).await?);
    clocks.push(h.delete(ANN, RIDE).await?);
    clocks.push(
        h.push(ANN, &session(RIDE), &samples("gps", 10..12))
            .await?
            .clock,
    );
    clocks.push(h.push(ANN, &session(EMPTY), &[]).await?.clock);
    // Later rows have fields beside those of earlier ones, until there are too many for columns; pushed
    // in portions, since a store may keep the same records in other columns then.
    let odd = |time: u64| {
        let data = format!(
            r#"{{"f{time}":{time}.50,"text":"\u00e4\/","big":9007199254740993,"deep":{{"b":1.0,"a":[null,-0.0]}}}}"#
        );
        record("odd", time, &data)
    };
    for times in [0..30, 30..60, 60..90] {
        let records: Vec<_> = times.map(odd).collect();
        clocks.push(h.push(ANN, &session(ODD), &records).await?.clock);
    }
    h.push(BEN, &session(RUN), &samples("gps", 0..2)).await?;
    let pull = NewSyncLogEntry {
        records_count: 7,
        request_id: Some("of-the-pull".to_owned()),
        error: Some("the connection broke".to_owned()),
        ..NewSyncLogEntry::new(SyncKind::Pull, SyncStatus::Failed, None, 30, h.now())
    };
    h.sync().log(ANN, pull, h.now()).await?;
    Ok(clocks)
}

/// Copies everything out of one store into an empty other.
pub(super) async fn copy(from: &Harness, to: &Harness) -> Outcome {
    let (from, to) = (from.transfer()?, to.transfer()?);
    match transfer::copy(&*from, &*to, SOURCE, |_| ()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format!("the copy broke off {error}"))),
    }
}

/// Copies everything into the empty store under test, and out of it into a memory store. What holds of
/// the source has to hold of the store, or it takes in less than it should; and of the memory store,
/// or it gives out less.
pub(super) async fn through<'h>(source: &Harness, h: &'h Harness) -> Outcome<Copies<'h>> {
    copy(source, h).await?;
    let out = memory();
    copy(h, &out).await?;
    Ok(Copies { store: h, out })
}

/// The copies that [`through`] made.
pub(super) struct Copies<'h> {
    store: &'h Harness,
    out: Harness,
}

impl Copies<'_> {
    /// Each copy, with words for it.
    pub(super) fn each(&self) -> [(&'static str, &Harness); 2] {
        [
            ("after an import", self.store),
            ("after an export", &self.out),
        ]
    }
}

/// All items that an export has left.
pub(super) async fn drain(export: &mut dyn UserExport) -> Outcome<Vec<TransferItem>> {
    let mut items = Vec::new();
    while let Some(item) = export.next().await? {
        items.push(item);
    }
    Ok(items)
}

/// All items of a user.
pub(super) async fn items(h: &Harness, user: UserId) -> Outcome<Vec<TransferItem>> {
    drain(&mut *h.transfer()?.export_user(user).await?).await
}

/// Imports items of a user, and drops the import without finishing it.
pub(super) async fn break_off(h: &Harness, user: UserId, items: &[TransferItem]) -> Outcome {
    let store = h.transfer()?;
    store.begin_import(SOURCE).await?;
    let mut import = store.import_user(user).await?;
    for item in items {
        import.write(item.clone()).await?;
    }
    Ok(())
}

/// The stores hold the same.
pub(super) async fn ensure_equal(left: &Harness, right: &Harness, when: &str) -> Outcome {
    let (left, right) = (left.transfer()?, right.transfer()?);
    let (_, differences) = transfer::compare(&*left, &*right, |_| ())
        .await
        .map_err(|error| Failure::new(format!("comparing failed {error}")))?;
    ensure_eq!(differences, [], "differences {when}");
    Ok(())
}
