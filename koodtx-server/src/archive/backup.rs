//! From a store into a file.

use std::io::Write;

use koodtx_core::store::TransferStore;

use super::{ArchiveHeader, ArchiveWriter, BackupError, Totals};

/// Users looked up in one step.
const STEP_USERS_COUNT: usize = 100;

/// Writes everything that a store holds; `progress` hears of the totals as they grow. The store may be in use: what is
/// written of each user is of one moment.
///
/// # Errors
/// What the store or the output says. What is written then is no backup, and known to be none.
pub async fn back_up<W: Write>(
    store: &dyn TransferStore,
    header: &ArchiveHeader,
    out: W,
    mut progress: impl FnMut(&Totals),
) -> Result<(W, Totals), BackupError> {
    let mut writer = ArchiveWriter::new(out, header)?;
    let mut after = None;
    loop {
        let users = store.transfer_users(after, STEP_USERS_COUNT).await?;
        for &user in &users {
            writer.user(user)?;
            let mut export = store.export_user(user).await?;
            while let Some(item) = export.next().await? {
                writer.item(&item)?;
                progress(writer.totals());
            }
        }
        after = users.last().copied();
        if users.len() < STEP_USERS_COUNT {
            return Ok(writer.finish()?);
        }
    }
}
