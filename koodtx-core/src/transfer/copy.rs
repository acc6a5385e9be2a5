//! Copying everything from one store into another.

use super::{ItemOrder, Totals, Users};
use crate::id::UserId;
use crate::store::{StoreError, TransferItem, TransferStore};

/// Which of two stores failed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store that is read.
    #[error("reading: {0}")]
    Source(#[source] StoreError),
    /// The store that is written.
    #[error("writing: {0}")]
    Target(#[source] StoreError),
}

/// Copies everything that a store holds into an empty one; `progress` hears of the totals as they grow.
///
/// A copy that broke off goes on when it is made again with the same `source`, which names `from` for
/// operators: sessions that are there already in the same state are passed over. What is written to `from`
/// meanwhile may be missing, but no user is torn: each is copied as of one moment.
///
/// # Errors
/// What either store says. The target then refuses to be served until the copy has been finished.
pub async fn copy(
    from: &dyn TransferStore,
    to: &dyn TransferStore,
    source: &str,
    mut progress: impl FnMut(&Totals) + Send,
) -> Result<Totals, TransferError> {
    to.begin_import(source)
        .await
        .map_err(TransferError::Target)?;
    let mut totals = Totals::default();
    let mut users = Users::new(from);
    while let Some(user) = users.next().await.map_err(TransferError::Source)? {
        totals.users += 1;
        copy_user(from, to, user, &mut totals, &mut progress).await?;
    }
    to.finish_import().await.map_err(TransferError::Target)?;
    Ok(totals)
}

async fn copy_user(
    from: &dyn TransferStore,
    to: &dyn TransferStore,
    user: UserId,
    totals: &mut Totals,
    progress: &mut (impl FnMut(&Totals) + Send),
) -> Result<(), TransferError> {
    let (source, target) = (TransferError::Source, TransferError::Target);
    let mut export = from.export_user(user).await.map_err(source)?;
    let mut import = to.import_user(user).await.map_err(target)?;
    let mut order = ItemOrder::new(user);
    while let Some(item) = export.next().await.map_err(source)? {
        order.check(&item).map_err(source)?;
        totals.count(&item);
        if let TransferItem::Session(state) = &item
            && import.holds(state).await.map_err(target)?
        {
            export.skip_blocks().await.map_err(source)?;
            order.skip_blocks();
            totals.skip(state);
        } else {
            import.write(item).await.map_err(target)?;
        }
        progress(totals);
    }
    order.end().map_err(source)?;
    import.finish().await.map_err(target)
}
