//! Removing old export files.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::fs;

use super::context::Context;
use super::export_session::is_export;
use super::failure::TaskError;

const DAY: Duration = Duration::from_hours(24);

/// Removes export files that are past their retention time, and unfinished ones of that age. Files of
/// other names are left alone, whatever they do there.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let Some(days) = context.retention.export_days else {
        return Ok(
            json!({ "off": "KOODTX_EXPORT_RETENTION_DAYS is `off`: export files are kept" }),
        );
    };
    let folder = &context.export_folder;
    let (mut files, mut bytes) = (0_u64, 0);
    let before = SystemTime::now().checked_sub(DAY * days);
    let read = fs::read_dir(folder).await;
    let mut entries = match read {
        Ok(entries) => entries,
        // Nobody has exported anything yet.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(json!({ "files": 0, "bytes": 0, "dry_run": is_dry }));
        }
        Err(error) => return Err(reading(folder)(error)),
    };
    while let Some(entry) = entries.next_entry().await.map_err(reading(folder))? {
        let path = entry.path();
        let metadata = match entry.metadata().await {
            Ok(metadata) => metadata,
            // It was finished, or another server has removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(reading(&path)(error)),
        };
        let modified = metadata.modified().map_err(reading(&path))?;
        let is_old = before.is_some_and(|before| modified < before);
        if !metadata.is_file() || !is_old || !is_export(&path) {
            continue;
        }
        if !is_dry {
            let removing = format!("removing {}", path.display());
            match fs::remove_file(&path).await {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                removed => removed.map_err(TaskError::file(removing))?,
            }
            tracing::info!(file = %path.display(), "removed an old export");
        }
        files += 1;
        bytes += metadata.len();
    }
    Ok(json!({
        "files": files,
        "bytes": bytes,
        "older_than_days": days,
        "dry_run": is_dry,
    }))
}

fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> TaskError {
    TaskError::file(format!("reading {}", path.display()))
}
