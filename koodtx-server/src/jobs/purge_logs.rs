//! Removing old entries of the sync log.

use koodtx_core::id::UserId;
use serde_json::{Value, json};

use super::context::{Context, Deadline};
use super::failure::TaskError;
use super::run::last_outcome;
use super::task::Task;

/// Users looked at in one step.
const STEP_USERS_COUNT: usize = 100;
/// Entries removed in one step.
const STEP_ENTRIES_COUNT: usize = 1_000;

/// Removes the entries of all users that are past their retention time.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let Some(days) = context.retention.log_days else {
        return Ok(json!({ "off": "KOODTX_LOG_RETENTION_DAYS is `off`: the sync log is kept" }));
    };
    let before = context.days_ago(days);
    let store = &context.store;
    let deadline = Deadline::of(context);
    let mut last = if is_dry {
        None
    } else {
        last_user(context).await?
    };
    let (mut entries, mut finished) = (0, true);
    'walk: loop {
        let users = store.transfer_users(last, STEP_USERS_COUNT).await?;
        for &user in &users {
            if is_dry {
                entries += store.count_logs(user, before).await?;
                continue;
            }
            loop {
                if deadline.is_over() {
                    finished = false;
                    break 'walk;
                }
                let removed = store.purge_logs(user, before, STEP_ENTRIES_COUNT).await?;
                entries += removed;
                if removed < STEP_ENTRIES_COUNT as u64 {
                    break;
                }
            }
            last = Some(user);
        }
        if users.len() < STEP_USERS_COUNT {
            break;
        }
        last = users.last().copied();
    }
    Ok(json!({
        "entries": entries,
        "older_than_days": days,
        "finished": finished,
        // Where the next run begins.
        "last_user": last.filter(|_| !finished),
        "dry_run": is_dry,
    }))
}

/// The user behind whom the last run had no time left.
async fn last_user(context: &Context) -> Result<Option<UserId>, TaskError> {
    let outcome = last_outcome(context, Task::PurgeLogs).await?;
    let user = outcome.and_then(|outcome| outcome["last_user"].as_i64());
    Ok(user.map(UserId))
}
