//! Tidying the store up.

use serde_json::{Value, json};

use super::context::Context;
use super::failure::TaskError;

/// Has the store do what it offers.
pub(super) async fn run(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let kind = context.store.info().kind;
    if is_dry {
        return Ok(json!({ "store": kind, "dry_run": true }));
    }
    let before = context.store.usage().await?.disk_bytes;
    let done = context.store.optimise(context.now()).await?;
    let after = context.store.usage().await?.disk_bytes;
    Ok(json!({
        "store": kind,
        "done": done,
        "disk_bytes_before": before,
        "disk_bytes_after": after,
    }))
}
