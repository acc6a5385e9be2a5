//! `koodtx-server verify`

use std::process::ExitCode;

use koodtx_core::store::Store;

use super::{CliError, open_store, require_data};
use crate::config::Config;
use crate::stores::StoreRegistry;

/// Sessions checked in one step.
const STEP_SESSIONS_COUNT: usize = 100;
/// What is removed of deleted users in one step.
const STEP_PIECES_COUNT: usize = 1_000;

pub(super) async fn run(
    repair_first: bool,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    require_data(config, stores)?;
    let store = open_store(config, stores).await?;
    if repair_first {
        repair(&*store).await?;
    }
    let (mut sessions, mut records, mut problems) = (0, 0, 0);
    let mut after = None;
    loop {
        let page = store.verify(after, STEP_SESSIONS_COUNT).await?;
        sessions += page.sessions;
        records += page.records;
        problems += page.problems.len();
        for problem in &page.problems {
            say!("{problem}");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    say!("{sessions} sessions, {records} records, {problems} problems");
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Counts everything anew, and says what was wrong.
async fn repair(store: &dyn Store) -> Result<(), CliError> {
    let (mut repaired, mut after) = (0, None);
    loop {
        let page = store.repair(after, STEP_SESSIONS_COUNT).await?;
        repaired += page.repaired.len();
        for line in &page.repaired {
            println!("repaired: {line}");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Of users who were deleted, what was left by mistake as well.
    loop {
        let step = store.erase_deleted(STEP_PIECES_COUNT).await?;
        repaired += step.users.len();
        for user in step.users {
            println!("repaired: user {user}: was deleted, and nothing is left");
        }
        if !step.has_more {
            break;
        }
    }
    println!("{repaired} repairs");
    Ok(())
}
