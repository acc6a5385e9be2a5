//! From a file into a store.

use std::io::Read;

use koodtx_core::store::{TransferItem, TransferStore, UserImport};

use super::{ArchiveReader, BackupError, Entry, Totals};

/// Restores a backup, which was [checked](super::check), into an empty store; `progress` hears of the
/// totals as they grow. One that broke off goes on, and passes over what is there already.
///
/// # Errors
/// What the store or the input says. The store then refuses to be served until the same backup has been
/// restored whole.
pub async fn restore<R: Read>(
    store: &dyn TransferStore,
    input: R,
    mut progress: impl FnMut(&Totals),
) -> Result<Totals, BackupError> {
    let mut reader = ArchiveReader::new(input)?;
    let header = reader.header();
    let source = format!("backup {} of {}", header.id, header.created_at);
    store.begin_import(&source).await?;
    let mut open: Option<Box<dyn UserImport>> = None;
    // The session whose blocks come by is there already.
    let mut is_held = false;
    while let Some(entry) = reader.next_entry()? {
        let item = match entry {
            Entry::User(user) => {
                if let Some(import) = open.take() {
                    import.finish().await?;
                }
                open = Some(store.import_user(user).await?);
                continue;
            }
            Entry::Item(item) => item,
        };
        progress(reader.totals());
        let Some(import) = &mut open else {
            continue;
        };
        match &item {
            TransferItem::Session(state) => {
                is_held = import.holds(state).await?;
                if is_held {
                    continue;
                }
            }
            TransferItem::Block(..) if is_held => continue,
            _ => {}
        }
        import.write(item).await?;
    }
    if let Some(import) = open.take() {
        import.finish().await?;
    }
    store.finish_import().await?;
    Ok(*reader.totals())
}
