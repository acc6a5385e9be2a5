//! Removing the samples of old sessions.

use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::SessionFilter;
use serde_json::{Value, json};

use super::analyse::analyse;
use super::context::Context;
use super::failure::TaskError;
use super::task::Task;
use super::walk::Walk;

/// Removes the samples of sessions that have ended and that nothing has changed within the retention
/// time. What the sessions say of themselves stays, and an analysis of each, which is made before its
/// samples go.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let Some(days) = context.retention.sample_days else {
        return Ok(json!({ "off": "KOODTX_RETENTION_DAYS is not set: samples are kept" }));
    };
    let filter = SessionFilter::Ended {
        before: context.days_ago(days),
    };
    let mut walk = Walk::begin(context, Task::PurgeSamples, filter, is_dry).await?;
    let (mut sessions, mut samples, mut failed) = (0_u64, 0_u64, 0_u64);
    while let Some((user, state)) = walk.session().await? {
        let purged = if is_dry {
            Ok(Some(state.data_count))
        } else {
            purge(context, user, &state).await
        };
        match purged {
            Ok(Some(count)) => {
                sessions += 1;
                samples += count;
            }
            Ok(None) => {}
            Err(error) if error.is_retryable() => return Err(error),
            // One session that cannot be purged is no reason to keep all behind it.
            Err(error) => {
                failed += 1;
                tracing::error!(%error, %user, session = %state.id, "a session was not purged");
            }
        }
    }
    Ok(walk.note(json!({
        "sessions": sessions,
        "samples": samples,
        "failed": failed,
        "older_than_days": days,
        "dry_run": is_dry,
    })))
}

/// Purges one session; `None` where it changed meanwhile.
async fn purge(
    context: &Context,
    user: UserId,
    state: &SessionState,
) -> Result<Option<u64>, TaskError> {
    let store = &context.store;
    let analysed = store.analysis(user, state.id).await?;
    let is_analysed = analysed.is_some_and(|analysis| {
        analysis.clock >= state.updated_at || state.data_purged_at.is_some()
    });
    if !is_analysed {
        analyse(context, user, state.id).await?;
    }
    let purged = store
        .purge_samples(user, state.id, state.updated_at, context.now())
        .await?;
    if let Some(samples) = purged {
        tracing::info!(%user, session = %state.id, samples, "purged the samples of a session");
    }
    Ok(purged)
}
