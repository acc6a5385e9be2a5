//! Users who come, push, look and delete their accounts.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::support::{Device, Follower};

const PAUSE: Duration = Duration::from_secs(2);
const RECORDS_COUNT: usize = 500;

/// Lets one after the other come for that long; returns how many there were. `prefix` is for their names,
/// which nobody else has had.
pub async fn come_and_go(url: String, prefix: String, end: Instant) -> usize {
    let records: Vec<_> = (0..RECORDS_COUNT)
        .map(|time| json!({ "sensor_type": "acc", "timestamp": time, "data": { "x": time } }))
        .collect();
    let session = json!({ "session_id": Uuid::from_u128(1), "start_time": "2023-11-14T22:13:20Z" });
    let body = json!({ "session": session, "sensor_data": records });
    let mut count = 0;
    while Instant::now() < end {
        let name = format!("{prefix}-{count}");
        let device = Device::register_at(url.clone(), &name).await.patient();
        device.push_ok(&body).await;
        let copy = Follower::whole_copy(&device).await;
        assert_eq!(copy.sessions.len(), 1);
        copy.assert_counts();
        device.delete_account().await.ok();
        let refused = device.try_get("/api/auth/me").await;
        assert_eq!(refused.status, 401, "{refused:?}");
        count += 1;
        tokio::time::sleep(PAUSE).await;
    }
    count
}
