//! Nothing that a client sends makes the server fail: no 5xx but the documented 503, no panic, no
//! memory that grows.

mod connections;
mod mutation;
mod nesting;
mod requests;
mod seeds;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::device::count;
use crate::support::process_memory::ProcessMemory;
use crate::support::{Device, Folder, MEBIBYTE_BYTES, Server};

/// What the server may grow by under everything that one test sends: among it the cache of the
/// store (32 MiB) and a password hash on every core (19 MiB each).
const GROWTH_MAX_BYTES: u64 = 192 * MEBIBYTE_BYTES;
/// Soon enough for a test that stops in the middle of bodies.
const BODY_TIMEOUT_SECONDS: &str = "2";

/// A server under attack.
struct Target {
    folder: Folder,
    server: Server,
    device: Device,
    memory: ProcessMemory,
    before_bytes: u64,
}

impl Target {
    async fn start() -> Self {
        let folder = Folder::new();
        let server = folder.start_with(&[("KOODTX_BODY_TIMEOUT_SECONDS", BODY_TIMEOUT_SECONDS)]);
        let device = Device::register(&server, "ann").await;
        let memory = server.memory();
        memory.forget_peak();
        let before_bytes = memory.resident_bytes();
        Self {
            folder,
            server,
            device,
            memory,
            before_bytes,
        }
    }

    /// Fails unless the server is as well as it was before.
    async fn assert_unharmed(self) {
        assert!(self.device.is_healthy().await);
        let session = json!({
            "session_id": Uuid::from_u128(u128::MAX).to_string(),
            "start_time": "2023-11-14T22:13:20Z",
        });
        let record = json!({ "sensor_type": "gps", "timestamp": 1_700_000_000_000_i64, "data": { "x": 0.5 } });
        let pushed = self
            .device
            .push_ok(&json!({ "session": session, "sensor_data": [record] }))
            .await;
        assert_eq!(count(&pushed, "inserted"), 1);
        let wanted = json!({ "session_ids": [session["session_id"]] });
        let pulled = self
            .device
            .pull(&wanted)
            .await
            .expect("the server answers")
            .ok();
        assert_eq!(pulled["sessions"][0]["sensor_data"], json!([record]));

        let growth = self.memory.peak_bytes().saturating_sub(self.before_bytes);
        assert!(
            growth <= GROWTH_MAX_BYTES,
            "the server grew by {growth} bytes"
        );
        self.server.stop();
        self.folder.verify();
        self.folder.assert_no_panic();
    }
}

/// Fails unless the answer is one that the documentation knows.
fn assert_documented(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    request: &dyn Fn() -> String,
) {
    let may_be_busy =
        status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER);
    assert!(
        !status.is_server_error() || may_be_busy,
        "{status} to {}",
        request()
    );
    if status.is_client_error() {
        let error: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_error = error["error"].is_string() && error["code"].is_string();
        assert!(
            is_error,
            "{status} without an error in JSON to {}: {body:?}",
            request()
        );
    }
}
