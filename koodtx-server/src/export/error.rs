//! Why an export broke off.

use std::fmt;

use koodtx_core::pull::Damage;
use koodtx_core::store::StoreError;
use parquet::errors::ParquetError;
use zip::result::ZipError;

/// Why an export broke off. What was handed out before is no whole file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored samples cannot be read. They are not passed over: a file with a hole looks whole.
    #[error("the stored samples of {} are damaged", Stretch(.0))]
    Damaged(Damage),
    /// The session was deleted, or its samples purged, while it was read.
    #[error("the samples of the session were removed while it was exported")]
    Removed,
    /// The Parquet file could not be written.
    #[error("the Parquet file could not be written")]
    Parquet(#[from] ParquetError),
    /// A Parquet file would need more row groups than its footer may have.
    #[error("the session is too large for a Parquet file; export it as CSV or NDJSON")]
    TooLarge,
    /// The account was deleted while it was exported.
    #[error("the account was deleted while it was exported")]
    AccountDeleted,
    /// The ZIP file could not be written.
    #[error("the ZIP file could not be written")]
    Zip(#[from] ZipError),
    /// Something stored is no JSON, or cannot be written as such.
    #[error("something stored cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The runtime shuts down.
    #[error("the export was stopped")]
    Stopped,
}

/// Shows where a damage is.
struct Stretch<'a>(&'a Damage);

impl fmt::Display for Stretch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage {
            sensor_type,
            from,
            until,
        } = self.0;
        write!(f, "sensor {:?} from {from} ", sensor_type.as_str())?;
        match until {
            Some(until) => write!(f, "until before {until}"),
            None => f.write_str("to the end"),
        }
    }
}
