//! The recordings that come with the repository: up, through a restart, down to a second device,
//! and up again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::device::count;
use crate::support::json::same;
use crate::support::mirror::{RecordKey, SessionCopy};
use crate::support::{Device, Folder, Follower, Mirror};

/// Files of `examples/data`, with their numbers of bodies and of records.
const FILES: [(&str, usize, u64); 2] = [
    ("basic_motions.jsonl", 80, 16_000),
    ("gps_tracks.jsonl", 3, 913),
];
/// Metadata that comes back as it was sent.
const METADATA: [&str; 5] = [
    "start_time",
    "end_time",
    "enabled_sensors",
    "sample_rate",
    "notes",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_come_back_value_by_value_and_a_second_upload_changes_nothing() {
    let bodies: Vec<Value> = FILES.into_iter().flat_map(read).collect();
    let total: u64 = FILES.iter().map(|(_, _, records)| records).sum();
    let folder = Folder::new();

    let server = folder.start();
    let phone = Device::register(&server, "phone").await;
    let (first_half, second_half) = bodies.split_at(bodies.len() / 2);
    let mut inserted = upload(&phone, first_half).await.inserted;
    server.stop();
    assert_eq!(folder.verify(), inserted);
    let status = folder.run(&["migrate", "--status"]);
    assert!(status.status.success(), "{status:?}");
    assert!(String::from_utf8_lossy(&status.stdout).contains(&format!("records   {inserted}")));

    let server = folder.start();
    let phone = phone.at(&server);
    inserted += upload(&phone, second_half).await.inserted;
    assert_eq!(inserted, total);

    let laptop = Device::login(&server, "phone", "laptop").await;
    let copy = Follower::whole_copy(&laptop).await;
    assert_eq!(copy.sessions.len(), bodies.len());
    copy.assert_counts();
    for body in &bodies {
        compare(body, &copy);
    }

    // updated_at is part of what is compared, and so is the user clock.
    let again = upload(&phone, &bodies).await;
    assert_eq!(
        (again.inserted, again.updated, again.duplicates),
        (0, 0, total)
    );
    let unchanged = Follower::whole_copy(&laptop).await;
    unchanged.assert_same(&copy, "after the second upload");
    server.stop();
    assert_eq!(folder.verify(), total);
    folder.assert_no_panic();
}

fn read((file, bodies_count, records_count): (&str, usize, u64)) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/data")
        .join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let bodies: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a body a line"))
        .collect();
    let records: usize = bodies.iter().map(|body| records(body).len()).sum();
    assert_eq!(
        (bodies.len(), records as u64),
        (bodies_count, records_count),
        "{file}"
    );
    bodies
}

fn records(body: &Value) -> &[Value] {
    body["sensor_data"].as_array().expect("records")
}

#[derive(Default)]
struct Outcome {
    inserted: u64,
    updated: u64,
    duplicates: u64,
}

async fn upload(device: &Device, bodies: &[Value]) -> Outcome {
    let mut outcome = Outcome::default();
    for body in bodies {
        let answer = device.push_ok(body).await;
        assert_eq!(count(&answer, "total_records"), records(body).len() as u64);
        assert_eq!(count(&answer, "errors"), 0, "{answer}");
        outcome.inserted += count(&answer, "inserted");
        outcome.updated += count(&answer, "updated");
        outcome.duplicates += count(&answer, "duplicates");
    }
    outcome
}

fn compare(body: &Value, copy: &Mirror) {
    let id = body["session"]["session_id"].as_str().expect("an id");
    let SessionCopy {
        metadata,
        records: stored,
    } = &copy.sessions[id];
    for field in METADATA {
        assert!(
            same(&metadata[field], &body["session"][field]),
            "{field} of {id}: {metadata}"
        );
    }
    assert_eq!(metadata["is_active"], false, "{id} has ended");
    assert_eq!(stored.len(), records(body).len(), "{id}");
    for record in records(body) {
        let key = RecordKey::of(record);
        let data = stored
            .get(&key)
            .unwrap_or_else(|| panic!("{id} lacks {key:?}"));
        assert!(
            same(data, &record["data"]),
            "{id} {key:?}: {data} for {}",
            record["data"]
        );
    }
}
