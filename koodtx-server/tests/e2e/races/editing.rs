//! Two devices that edited different fields of a session offline.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Device, Folder, Follower, Server};

const START: &str = "2023-11-14T22:13:20Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_different_fields_are_both_kept_in_either_order_of_arrival() {
    let folder = Folder::new();
    let servers = [folder.start()];
    edit_offline(&servers, "ann").await;
    servers.into_iter().for_each(Server::stop);
}

/// Lets two devices of one user, spread over the servers, edit the same sessions.
pub async fn edit_offline(servers: &[Server], username: &str) {
    let phone = Device::register(&servers[0], username).await;
    let phone = phone.across(servers);
    let laptop = Device::login(&servers[0], username, "laptop").await;
    let laptop = laptop.across(servers.iter().rev());

    for (number, phone_is_first) in [(1, true), (2, false)] {
        let id = Uuid::from_u128(number).to_string();
        let created = json!({
            "session_id": id, "start_time": START, "notes": "untitled", "sample_rate": 50,
            "enabled_sensors": ["gps"], "updated_at": "2023-11-15T08:00:00Z",
        });
        push_session(&phone, created).await;
        // Each also sends a field that the other edited later: the later edit stays.
        let of_phone = json!({
            "session_id": id, "start_time": START, "notes": "Morning run",
            "updated_at": "2023-11-15T09:00:00Z",
        });
        let of_laptop = json!({
            "session_id": id, "start_time": START, "sample_rate": 100, "end_time": "2023-11-14T23:00:00Z",
            "updated_at": "2023-11-15T08:30:00Z",
        });
        let stale_notes = json!({
            "session_id": id, "start_time": START, "notes": "an older title",
            "updated_at": "2023-11-15T08:45:00Z",
        });
        if phone_is_first {
            push_session(&phone, of_phone).await;
            tokio::join!(
                push_session(&laptop, of_laptop),
                push_session(&laptop, stale_notes)
            );
        } else {
            tokio::join!(
                push_session(&laptop, stale_notes),
                push_session(&laptop, of_laptop)
            );
            push_session(&phone, of_phone).await;
        }
    }

    let copy = Follower::whole_copy(&laptop).await;
    assert_eq!(copy.sessions.len(), 2);
    for session in copy.sessions.values() {
        let metadata = &session.metadata;
        assert_eq!(metadata["notes"], "Morning run");
        assert_eq!(metadata["sample_rate"].as_f64(), Some(100.0));
        assert_eq!(metadata["end_time"], "2023-11-14T23:00:00Z");
        assert_eq!(metadata["is_active"], false);
        assert_eq!(metadata["enabled_sensors"], json!(["gps"]));
    }
}

async fn push_session(device: &Device, session: Value) {
    device
        .push_ok(&json!({ "session": session, "sensor_data": [] }))
        .await;
}
