//! Removing what deleted accounts have left behind.

use std::io::ErrorKind;
use std::path::Path;

use koodtx_core::id::UserId;
use serde_json::{Value, json};
use tokio::fs;

use super::context::{Context, Deadline};
use super::export_session::is_export_of;
use super::failure::TaskError;

/// Blocks, sessions, log entries and the like removed in one step.
const STEP_PIECES_COUNT: usize = 1_000;

/// Removes what accounts have left that were deleted for good, and export files of theirs that lie in the
/// export folder of this machine.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    if is_dry {
        return Ok(json!({ "dry_run": true }));
    }
    let deadline = Deadline::of(context);
    let (mut pieces, mut accounts, mut files, mut finished) = (0, 0_u64, 0_u64, true);
    loop {
        let step = context.store.erase_deleted(STEP_PIECES_COUNT).await?;
        pieces += step.removed;
        for user in step.users {
            accounts += 1;
            files += remove_exports(&context.export_folder, user).await?;
            tracing::info!(%user, "nothing is left of a deleted account");
        }
        if !step.has_more {
            break;
        }
        if deadline.is_over() {
            finished = false;
            break;
        }
    }
    Ok(json!({
        "accounts": accounts,
        "pieces": pieces,
        "export_files": files,
        "finished": finished,
    }))
}

/// Removes the export files of a user; returns how many.
async fn remove_exports(folder: &Path, user: UserId) -> Result<u64, TaskError> {
    let reading = |error| TaskError::file(format!("reading {}", folder.display()))(error);
    let mut entries = match fs::read_dir(folder).await {
        Ok(entries) => entries,
        // Nobody has exported anything yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(reading(error)),
    };
    let mut files = 0;
    while let Some(entry) = entries.next_entry().await.map_err(reading)? {
        let path = entry.path();
        if !is_export_of(&path, user) {
            continue;
        }
        match fs::remove_file(&path).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => {
                let removing = format!("removing {}", path.display());
                removed.map_err(TaskError::file(removing))?;
                files += 1;
            }
        }
    }
    Ok(files)
}
