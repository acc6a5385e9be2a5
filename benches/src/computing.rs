//! How fast a stored session is analysed and exported, and in how much memory.

use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use koodtx_core::id::UserId;
use koodtx_core::store::{PushCommand, Quota, StoreError, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::{analyse, anomalies};
use koodtx_server::export::{ExportError, ExportFormat, export};
use koodtx_store_sled::{SledOptions, SledStore};

use crate::storage::Workload;
use crate::workload::Digits;

const USER: UserId = UserId(1);
const SENSITIVITY: f64 = 3.0;
/// The smallest page cache: it would grow with what is read.
const OPTIONS: SledOptions = SledOptions {
    cache_bytes: 1024 * 1024,
};
/// The first row of the table.
pub const HEADING: &str = "| what | samples/s | seconds | memory |\n| --- | --- | --- | --- |";

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum ComputingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The export failed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file system or the other process failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The session is not there.
    #[error("the session that was written is not there")]
    Missing,
}

/// Writes an hour of three sensors at 100 Hz into a store, in a process of its own whose memory does
/// not count (`fill` is the command line of this program for that), and measures what is computed of
/// it; hands out a row of a table for each.
///
/// # Errors
/// What the store or the file system says.
pub async fn run(fill: &[&str], mut each: impl FnMut(String)) -> Result<(), ComputingError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store");
    let mut writer = Command::new(std::env::current_exe()?);
    if !writer.args(fill).arg(&path).status()?.success() {
        return Err(std::io::Error::other("the store was not written").into());
    }
    let store = Arc::new(SledStore::open(&path, OPTIONS)?);
    let list = store.sessions(USER, None, 1).await?;
    let state = list.sessions.first().ok_or(ComputingError::Missing)?;
    let (session, samples) = (state.id, state.data_count);
    let mut last = Reading::now(samples)?;
    let mut row = |what: &str| {
        let now = Reading::now(samples)?;
        each(now.since(&last, what));
        last = now;
        Ok::<_, ComputingError>(())
    };
    analyse(&*store, USER, session, Timestamp::now()).await?;
    row("analysis")?;
    anomalies(&*store, USER, session, SENSITIVITY).await?;
    row("anomalies")?;
    for format in ExportFormat::ALL {
        let stream = export(store.clone(), USER, session, format).await?;
        let mut stream = pin!(stream.ok_or(ComputingError::Missing)?);
        while let Some(piece) = stream.next().await {
            piece?;
        }
        row(&format!("export as {}", format.extension()))?;
    }
    Ok(())
}

/// Writes the session that is computed of.
///
/// # Errors
/// What the store or the file system says.
pub async fn fill(path: &Path) -> Result<(), ComputingError> {
    let store = SledStore::open(path, OPTIONS)?;
    for batch in Workload::Hour(Digits::Decimal).pushes()? {
        let command = PushCommand {
            user: USER,
            batch,
            device_id: None,
            body_bytes: 0,
            started_at: Timestamp::now(),
            request_id: None,
            quota: Quota::default(),
        };
        store.push(command, Timestamp::now()).await?;
    }
    Ok(())
}

/// Where a run stands.
struct Reading {
    samples: u64,
    at: Instant,
    /// The most memory that this process ever had, in KiB.
    peak_kib: u64,
}

impl Reading {
    fn now(samples: u64) -> std::io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(Self {
            samples,
            at: Instant::now(),
            peak_kib: number.and_then(|text| text.parse().ok()).unwrap_or(0),
        })
    }

    /// The row of what was computed since.
    fn since(&self, before: &Self, what: &str) -> String {
        let seconds = (self.at - before.at).as_secs_f64();
        let grown = self.peak_kib.saturating_sub(before.peak_kib) as f64 / 1024.0;
        let rate = self.samples as f64 / seconds / 1e6;
        format!("| {what} | {rate:.2} million | {seconds:.2} | +{grown:.1} MiB |")
    }
}
