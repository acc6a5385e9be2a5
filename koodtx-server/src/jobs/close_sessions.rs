//! Ending sessions whose devices have been silent for long.

use koodtx_core::store::SessionFilter;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::TaskError;
use super::task::Task;
use super::walk::Walk;

/// Ends sessions that are still recording by their word and that no push has changed for long. What a
/// device says of one later wins over it.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let Some(hours) = context.retention.stale_hours else {
        return Ok(json!({ "off": "KOODTX_STALE_SESSION_HOURS is `off`: sessions stay open" }));
    };
    let filter = SessionFilter::Stalled {
        before: context.hours_ago(hours),
    };
    let note = format!("[closed by the server after {hours} h without data]");
    let store = &context.store;
    let mut walk = Walk::begin(context, Task::CloseSessions, filter, is_dry).await?;
    let mut sessions = 0_u64;
    while let Some((user, state)) = walk.session().await? {
        if is_dry {
            sessions += 1;
            continue;
        }
        let closed = store
            .close_session(user, state.id, state.updated_at, &note, context.now())
            .await?;
        if closed.is_some() {
            sessions += 1;
            tracing::info!(%user, session = %state.id, "closed a session without data");
        }
    }
    Ok(walk.note(json!({
        "sessions": sessions,
        "silent_for_hours": hours,
        "dry_run": is_dry,
    })))
}
