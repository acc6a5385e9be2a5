//! Adding up what there is.

use std::fmt::Write as _;

use koodtx_core::store::{SessionFilter, TaskRun};
use serde_json::{Value, json};

use super::context::Context;
use super::failure::TaskError;

/// Sessions looked for in one step.
const STEP_SESSIONS_COUNT: usize = 1_000;
const RECENT_DAYS: u32 = 30;
const BYTES_PER_MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Totals, the last 30 days, the settings of retention, and what each task did last.
pub(super) async fn run(context: &Context) -> Result<Value, TaskError> {
    let usage = context.store.usage().await?;
    let filter = SessionFilter::Created {
        since: context.days_ago(RECENT_DAYS),
    };
    let (mut sessions, mut samples, mut after) = (0_u64, 0_u64, None);
    loop {
        let found = context
            .store
            .find_sessions(filter, after, STEP_SESSIONS_COUNT)
            .await?;
        for (_, state) in &found.sessions {
            sessions += 1;
            samples += state.data_count;
        }
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    let runs = context.store.task_runs().await?;
    let retention = context.retention;
    Ok(json!({
        "generated_at": context.now(),
        "store": context.store.info().kind,
        "totals": {
            "users": usage.users,
            "sessions": usage.sessions,
            "samples": usage.records,
            "disk_bytes": usage.disk_bytes,
        },
        "last_30_days": { "sessions": sessions, "samples": samples },
        "retention": {
            "sample_days": retention.sample_days,
            "log_days": retention.log_days,
            "export_days": retention.export_days,
            "stale_session_hours": retention.stale_hours,
        },
        // A report in a report in a report would grow for ever.
        "tasks": runs.iter().filter(|run| run.task != "report").map(task).collect::<Vec<_>>(),
    }))
}

fn task(run: &TaskRun) -> Value {
    json!({
        "task": run.task,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "succeeded": run.succeeded,
        "outcome": serde_json::from_str(&run.outcome).unwrap_or(Value::Null),
    })
}

/// A report for people.
pub(crate) fn readable(report: &Value) -> String {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let text = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "never".to_owned(),
        Some(other) => other.to_string(),
    };
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!(
        "{} store, {}",
        text(report, "store"),
        text(report, "generated_at")
    ));
    line(format!(
        "in all:         {} users, {} sessions, {} samples, {:.1} MiB on disk",
        number("/totals/users"),
        number("/totals/sessions"),
        number("/totals/samples"),
        number("/totals/disk_bytes") as f64 / BYTES_PER_MEBIBYTE,
    ));
    line(format!(
        "last 30 days:   {} sessions, {} samples",
        number("/last_30_days/sessions"),
        number("/last_30_days/samples"),
    ));
    let retention = &report["retention"];
    line(format!(
        "removed after:  samples {} days, sync log {} days, export files {} days",
        text(retention, "sample_days"),
        text(retention, "log_days"),
        text(retention, "export_days"),
    ));
    line(format!(
        "closed after:   {} hours without data",
        text(retention, "stale_session_hours")
    ));
    for run in report["tasks"].as_array().into_iter().flatten() {
        let state = match (&run["succeeded"], &run["outcome"]["finished"]) {
            (Value::Bool(true), Value::Bool(false)) => "partial",
            (Value::Bool(true), _) => "ok",
            _ => "FAILED",
        };
        line(format!(
            "{:15} {} {state} {}",
            text(run, "task"),
            text(run, "finished_at"),
            run["outcome"]
        ));
    }
    out
}
