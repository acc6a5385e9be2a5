//! Many sessions of one user. Pushing them one by one would take longer than all that is measured.

use std::path::Path;

use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::{StoreError, TransferItem, TransferStore};
use koodtx_core::time::Timestamp;
use koodtx_store_sled::{SledOptions, SledStore};

use super::ReportError;
use super::home::Home;
use crate::workload::session_id;

/// What an unfinished import would be called.
const SOURCE: &str = "the speed report";

/// The rest of the sessions, each like the one that is there: with its records, and created and changed
/// at a clock of its own. The columns that differ are named, so that others may be added to the tables.
/// $count is how many.
const STATEMENTS: [&str; 5] = [
    "INSERT INTO sensor_blocks
     SELECT copy.* FROM sensor_blocks b, generate_series(1, $count) AS n, LATERAL
         jsonb_populate_record(b, jsonb_build_object('session_id', md5(n::text)::uuid)) AS copy",
    "INSERT INTO recording_sessions
     SELECT copy.* FROM recording_sessions s, generate_series(1, $count) AS n, LATERAL
         jsonb_populate_record(s, jsonb_build_object(
             'session_id', md5(n::text)::uuid,
             'created_at', s.created_at + n * interval '1 microsecond',
             'updated_at', s.updated_at + n * interval '1 microsecond')) AS copy",
    "UPDATE user_clock SET
         clock = clock + $count * interval '1 microsecond',
         live_sessions = live_sessions * ($count + 1),
         active_sessions = active_sessions * ($count + 1),
         records = records * ($count + 1)",
    // What the database does by itself sooner or later.
    "VACUUM (ANALYZE)",
    "CHECKPOINT",
];

/// Makes the one session of the one user in a home into `count` of them. No server runs on it.
pub(super) async fn multiply(home: &Home, count: u64) -> Result<(), ReportError> {
    if home.postmaster()?.is_none() {
        return multiply_sled(&home.data(), count).await;
    }
    let further = count.saturating_sub(1).to_string();
    let statements = STATEMENTS.map(|statement| statement.replace("$count", &further));
    home.operate(&statements).await
}

/// By exporting the user, and importing it into a new store in the same place.
async fn multiply_sled(data: &Path, count: u64) -> Result<(), ReportError> {
    let (user, items) = {
        let store = SledStore::open(data, SledOptions::default())?;
        export_one(&store).await?
    };
    std::fs::remove_dir_all(data).map_err(ReportError::io("removing a store"))?;
    let store = SledStore::open(data, SledOptions::default())?;
    store.begin_import(SOURCE).await?;
    let mut import = store.import_user(user).await?;
    let mut clock = Timestamp::ZERO;
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        match item {
            TransferItem::Session(state) => {
                let mut blocks = Vec::new();
                while let Some(block) =
                    items.next_if(|next| matches!(next, TransferItem::Block(..)))
                {
                    blocks.push(block);
                }
                for number in 0..count {
                    let copy = copy_of(&state, number);
                    clock = clock.max(copy.updated_at);
                    import.write(TransferItem::Session(copy)).await?;
                    for block in &blocks {
                        import.write(block.clone()).await?;
                    }
                }
            }
            TransferItem::Clock(of_one) => {
                import.write(TransferItem::Clock(clock.max(of_one))).await?;
            }
            other => import.write(other).await?,
        }
    }
    import.finish().await?;
    Ok(store.finish_import().await?)
}

fn copy_of(state: &SessionState, number: u64) -> SessionState {
    let later = |clock: Timestamp| clock.plus_micros(number as i64);
    SessionState {
        id: session_id(number),
        created_at: later(state.created_at),
        updated_at: later(state.updated_at),
        ..state.clone()
    }
}

/// Everything of the only user.
async fn export_one(store: &SledStore) -> Result<(UserId, Vec<TransferItem>), StoreError> {
    let users = store.transfer_users(None, 1).await?;
    let user = users.first().copied().unwrap_or(UserId(1));
    let mut export = store.export_user(user).await?;
    let mut items = Vec::new();
    while let Some(item) = export.next().await? {
        items.push(item);
    }
    Ok((user, items))
}
