//! A run over one layout, and what it comes to.

use std::fmt;
use std::time::Instant;

use koodtx_core::id::UserId;
use serde::Serialize;

use super::layouts::LayoutError;
use super::{Layout, Workload};

/// The heading of the table whose rows measurements print as.
pub const HEADING: &str = "\
| recordings | layout | bytes on disk a sample | bytes of WAL a sample | samples/s |
| --- | --- | --- | --- | --- |";

/// What one layout takes for one workload.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// The recordings.
    pub workload: &'static str,
    /// The way of keeping them.
    pub layout: &'static str,
    /// Samples pushed.
    pub samples: u64,
    /// Growth on disk for each.
    pub disk_bytes_per_sample: f64,
    /// Write-ahead log for each, where the store tells.
    pub wal_bytes_per_sample: Option<f64>,
    /// Samples a second, one push after another, parsing included.
    pub samples_per_second: f64,
}

/// Pushes a workload as a user of whom a layout has nothing yet.
///
/// # Errors
/// What the store or the file system says.
pub async fn measure(
    workload: Workload,
    layout: &Layout,
    user: UserId,
) -> Result<Measurement, LayoutError> {
    let before = layout.written().await?;
    let (mut samples, start) = (0, Instant::now());
    for batch in workload.pushes()? {
        samples += batch.valid_records();
        layout.push(user, batch).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let after = layout.written().await?;
    let each = |bytes: u64| bytes as f64 / samples as f64;
    Ok(Measurement {
        workload: workload.name(),
        layout: layout.name(),
        samples,
        disk_bytes_per_sample: each(after.disk_bytes.saturating_sub(before.disk_bytes)),
        wal_bytes_per_sample: after
            .wal_bytes
            .zip(before.wal_bytes)
            .map(|(after, before)| each(after.saturating_sub(before))),
        samples_per_second: samples as f64 / seconds,
    })
}

impl fmt::Display for Measurement {
    /// A row of a Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wal = self
            .wal_bytes_per_sample
            .map_or(String::new(), |bytes| format!("{bytes:.1}"));
        write!(
            f,
            "| {} | {} | {:.1} | {wal} | {:.0} |",
            self.workload, self.layout, self.disk_bytes_per_sample, self.samples_per_second
        )
    }
}
