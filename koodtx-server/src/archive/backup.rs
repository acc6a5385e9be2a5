//! From a store into a file.

use std::io::Write;

use koodtx_core::store::TransferStore;
use koodtx_core::transfer::{ItemOrder, Users};

use super::{ArchiveHeader, ArchiveWriter, BackupError, Totals};

/// Writes everything that a store holds; `progress` hears of the totals as they grow. The store may be in
/// use: what is written of each user is of one moment.
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
    let mut users = Users::new(store);
    while let Some(user) = users.next().await? {
        writer.user(user)?;
        let mut export = store.export_user(user).await?;
        let mut order = ItemOrder::new(user);
        while let Some(item) = export.next().await? {
            // What `check` would refuse is better known now than when it is needed.
            order.check(&item)?;
            writer.item(&item)?;
            progress(writer.totals());
        }
        order.end()?;
    }
    Ok(writer.finish()?)
}
