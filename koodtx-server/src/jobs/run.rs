//! Running one task.

use std::collections::BTreeMap;
use std::time::Duration;

use koodtx_core::store::TaskRun;
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::TaskError;
use super::task::Task;
use super::{
    analyse, close_sessions, erase_accounts, export_session, optimise, purge_exports, purge_logs,
    purge_samples, report,
};

/// What a task is told, by name.
pub type Arguments = BTreeMap<String, String>;

/// Names the argument that makes a task say what it would do, and do nothing.
const DRY_RUN_ARGUMENT: &str = "dry-run";

/// Runs a task to its end, or as far as the time limit lets it: `"finished": false` then stands in the
/// outcome, and the next run goes on.
///
/// # Errors
/// What went wrong. What was done until then stays done; running the task again is safe.
pub async fn run_task(
    context: &Context,
    task: Task,
    arguments: &Arguments,
) -> Result<Value, TaskError> {
    run_within(context, task, arguments, Duration::MAX).await
}

/// Runs a task as [`run_task`] does, and gives it up after `limit`.
pub(super) async fn run_within(
    context: &Context,
    task: Task,
    arguments: &Arguments,
    limit: Duration,
) -> Result<Value, TaskError> {
    let unknown = arguments
        .keys()
        .find(|name| *name != DRY_RUN_ARGUMENT && !task.arguments().contains(&name.as_str()));
    if let Some(name) = unknown {
        let known = [task.arguments(), &[DRY_RUN_ARGUMENT]].concat().join(", ");
        let message = format!("`{task}` takes no argument `{name}`; it takes {known}");
        return Err(TaskError::Argument(message));
    }
    let is_dry = match arguments.get(DRY_RUN_ARGUMENT).map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let message = format!("`{DRY_RUN_ARGUMENT}` has to be `true` or `false`");
            return Err(TaskError::Argument(message));
        }
    };
    let started_at = context.now();
    let work = work(context, task, arguments, is_dry);
    let outcome = tokio::time::timeout(limit, work).await;
    let outcome = outcome.unwrap_or(Err(TaskError::TooLong));
    // What somebody asked for one session is no run of the task.
    if !is_dry && super::session_argument(arguments).is_none() {
        remember(context, task, started_at, &outcome).await;
    }
    if let Ok(outcome) = &outcome {
        tracing::info!(%task, is_dry, %outcome, "a task is done");
    }
    outcome
}

/// What each task does.
async fn work(
    context: &Context,
    task: Task,
    arguments: &Arguments,
    is_dry: bool,
) -> Result<Value, TaskError> {
    match task {
        Task::Analyse => analyse::run(context, arguments, is_dry).await,
        Task::PurgeSamples => purge_samples::run(context, is_dry).await,
        Task::PurgeLogs => purge_logs::run(context, is_dry).await,
        Task::PurgeExports => purge_exports::run(context, is_dry).await,
        Task::CloseSessions => close_sessions::run(context, is_dry).await,
        Task::EraseAccounts => erase_accounts::run(context, is_dry).await,
        Task::Optimise => optimise::run(context, is_dry).await,
        Task::Report => report::run(context).await,
        Task::ExportSession => export_session::run(context, arguments, is_dry).await,
    }
}

/// What the last run of a task came to, as far as one is remembered.
pub(super) async fn last_outcome(
    context: &Context,
    task: Task,
) -> Result<Option<Value>, TaskError> {
    let runs = context.store.task_runs().await?;
    let run = runs.into_iter().find(|run| run.task == task.name());
    Ok(run.and_then(|run| serde_json::from_str(&run.outcome).ok()))
}

/// Remembers how a run of a task ended.
async fn remember(
    context: &Context,
    task: Task,
    started_at: Timestamp,
    outcome: &Result<Value, TaskError>,
) {
    let run = TaskRun {
        task: task.name().to_owned(),
        started_at,
        finished_at: context.now(),
        succeeded: outcome.is_ok(),
        outcome: match outcome {
            Ok(outcome) => outcome.to_string(),
            Err(error) => json!({ "error": error.to_string() }).to_string(),
        },
    };
    if let Err(error) = context.store.put_task_run(run).await {
        tracing::warn!(%error, %task, "the run of a task could not be remembered");
    }
}
