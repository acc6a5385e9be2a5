//! The store of a deployment is swapped, and devices notice nothing; backups are made and restored.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::follower::Style;
use crate::support::{Device, Folder, Follower, Server};

/// The same on every store, as a deployment has it.
const SECRET: (&str, &str) = (
    "KOODTX_JWT_SECRET",
    "one secret for all the stores of this test",
);
/// Times that a copy is killed in the middle, each a little later.
const KILLS_COUNT: u64 = 8;
const SESSIONS_COUNT: u64 = 12;
/// Samples of a session, unless `KOODTX_TEST_SWAP_SAMPLES` says otherwise.
const SAMPLES_COUNT: u64 = 4_000;

fn samples_count() -> u64 {
    std::env::var("KOODTX_TEST_SWAP_SAMPLES").map_or(SAMPLES_COUNT, |count| {
        count.parse().expect("KOODTX_TEST_SWAP_SAMPLES is a number")
    })
}

/// A recording of one session: three sensors whose readings differ with `value`.
fn body(session: u64, samples: u64, value: u64) -> Value {
    let sensors = ["accelerometer", "gyroscope", "gps"];
    let records: Vec<Value> = (0..samples)
        .map(|nth| {
            json!({
                "sensor_type": sensors[nth as usize % 3],
                "timestamp": 1_763_000_000_000_u64 + nth * 10,
                "data": {"x": nth as f64 / 8.0, "y": value, "z": -0.125},
            })
        })
        .collect();
    json!({
        "session": {
            "session_id": format!("00000000-0000-4000-8000-{session:012}"),
            "start_time": "2025-11-13T00:00:00Z",
            "notes": format!("session {session}"),
        },
        "sensor_data": records,
    })
}

/// The very bytes of the answer to a pull of everything, but for what is different each time.
async fn whole_pull(device: &Device) -> Vec<u8> {
    let request = device
        .request(Method::POST, "/api/sync/pull")
        .header(CONTENT_TYPE, "application/json")
        .body(r#"{"page_size":100}"#);
    let response = request.send().await.expect("the server answers");
    assert!(response.status().is_success());
    let mut bytes = response.bytes().await.expect("a whole answer").to_vec();
    let text = String::from_utf8(bytes.clone()).expect("JSON is UTF-8");
    let id = text
        .rfind(r#""sync_log_id":"#)
        .expect("an id of its log entry");
    bytes.truncate(id);
    bytes
}

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = folder.command();
    command.env(SECRET.0, SECRET.1).args(arguments);
    Folder::finish(command)
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out
}

#[track_caller]
fn failed_with(output: &Output, words: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{output:?}");
    assert!(err.contains(words), "no {words:?} in {err}");
}

fn start(folder: &Folder) -> Server {
    folder.start_with(&[SECRET])
}

async fn database() -> (TestDatabase, Folder) {
    let database = TestCluster::shared().database().await;
    let folder = Folder::on(database.url());
    (database, folder)
}

/// A store with sessions, edits and a deletion, and a phone that has followed up to the last but one.
async fn recorded(folder: &Folder) -> (Device, Vec<Follower>) {
    let server = start(folder);
    let phone = Device::register(&server, "phone").await;
    for session in 0..SESSIONS_COUNT {
        phone.push_ok(&body(session, samples_count(), 0)).await;
    }
    let styles = [
        Style::Pages { size: 5 },
        Style::Cursors {
            size: 5,
            max_records: 1_000,
        },
    ];
    let mut followers = Vec::new();
    for style in styles {
        let mut follower = Follower::new(phone.clone(), style);
        follower.round().await.expect("the server answers");
        followers.push(follower);
    }
    phone.push_ok(&body(3, 50, 7)).await;
    let deleted = phone
        .delete_session("00000000-0000-4000-8000-000000000004")
        .await;
    deleted.expect("the server answers").ok();
    server.stop();
    (phone, followers)
}

/// Goes on with the copy: what changed comes, and nothing else, with the tokens of before.
async fn go_on(server: &Server, phone: &Device, followers: &mut [Follower]) {
    let phone = phone.at(server);
    for follower in &mut *followers {
        follower.reconnect(server);
        let changed = follower.round().await.expect("the server answers");
        assert_eq!(changed, ["00000000-0000-4000-8000-000000000003"]);
        let whole = Follower::whole_copy(&phone).await;
        follower.copy.assert_same(&whole, "after the swap");
        let nothing = follower.round().await.expect("the server answers");
        assert!(nothing.is_empty(), "{nothing:?}");
    }
    // A retry from before the swap inserts nothing.
    let again = phone.push_ok(&body(3, 50, 7)).await;
    assert_eq!(again["duplicates"], 50, "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sled_to_postgres_and_back_ends_byte_equal() {
    let sled = Folder::new();
    let (phone, mut followers) = recorded(&sled).await;
    let server = start(&sled);
    let original = whole_pull(&phone.at(&server)).await;
    server.stop();

    let (_database, postgres) = database().await;
    let copy = [
        "copy",
        "--from",
        sled.store(),
        "--to",
        postgres.store(),
        "--verify",
    ];
    let out = succeeded(&run(&sled, &copy));
    assert!(out.contains("both stores hold the same 1 users"), "{out}");
    assert!(out.contains("KOODTX_JWT_SECRET"), "{out}");
    failed_with(&run(&sled, &copy), "it is not empty");
    let server = start(&postgres);
    assert!(
        whole_pull(&phone.at(&server)).await == original,
        "the pulls differ"
    );
    go_on(&server, &phone, &mut followers).await;
    server.stop();

    let back = Folder::new();
    let copy = [
        "copy",
        "--from",
        postgres.store(),
        "--to",
        back.store(),
        "--verify",
    ];
    succeeded(&run(&sled, &copy));
    let server = start(&back);
    assert!(
        whole_pull(&phone.at(&server)).await == original,
        "the pulls differ"
    );
    server.stop();
    assert_eq!(back.verify(), postgres.verify());
    for folder in [&sled, &postgres, &back] {
        folder.assert_no_panic();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_copy_goes_on_and_is_not_served_before() {
    let sled = Folder::new();
    let (phone, mut followers) = recorded(&sled).await;
    for target in ["postgres", "sled"] {
        let (_database, folder) = if target == "postgres" {
            let (database, folder) = database().await;
            (Some(database), folder)
        } else {
            (None, Folder::new())
        };
        let copy = [
            "copy",
            "--from",
            sled.store(),
            "--to",
            folder.store(),
            "--verify",
        ];
        for nth in 0..KILLS_COUNT {
            let mut command: Command = sled.command();
            command
                .args(copy)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut copying = command.spawn().expect("the binary runs");
            tokio::time::sleep(Duration::from_millis(30 + 40 * nth)).await;
            copying.kill().expect("it can be killed");
            let ended = copying.wait().expect("it is a child");
            if ended.success() {
                break;
            }
            // The rule is the same for all commands, and this one ends by itself.
            let refused = run(&folder, &["verify"]);
            // Killed before it began, the target is empty, or not even there.
            let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
            if !refused.status.success() && !complaint.contains("there is no data") {
                failed_with(&refused, "goes on where it broke off");
            }
        }
        let finished = run(&sled, &copy);
        if !finished.status.success() {
            // It was done when it was killed for the last time.
            failed_with(&finished, "it is not empty");
        }
        let server = start(&folder);
        if target == "postgres" {
            go_on(&server, &phone, &mut followers).await;
        }
        server.stop();
        folder.verify();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_are_restored_whole_or_not_at_all() {
    let sled = Folder::new();
    let (phone, mut followers) = recorded(&sled).await;
    let file = sled.path().join("all.koodtx");
    let name = file.to_str().expect("a path in UTF-8");
    let out = succeeded(&run(&sled, &["backup", name]));
    assert!(out.contains("backed up 1 accounts"), "{out}");
    failed_with(&run(&sled, &["backup", name]), "exists already");
    is_private(&file);

    let (_database, postgres) = database().await;
    let whole = std::fs::read(&file).expect("the backup is readable");
    let damaged = sled.path().join("damaged.koodtx");
    let damaged_name = damaged.to_str().expect("a path in UTF-8");
    for (bytes, reason) in [
        (whole[..whole.len() / 2].to_vec(), "truncated"),
        (whole[..whole.len() - 1].to_vec(), "truncated"),
        (changed(&whole, whole.len() / 2), "damaged"),
        (b"something else".to_vec(), "no backup of KooDTX"),
    ] {
        std::fs::write(&damaged, bytes).expect("a file can be written");
        failed_with(&run(&postgres, &["restore", damaged_name]), reason);
    }
    // Nothing of that was stored, so the store is as good as new.
    succeeded(&run(&postgres, &["restore", name]));
    failed_with(&run(&postgres, &["restore", name]), "it is not empty");
    let server = start(&postgres);
    go_on(&server, &phone, &mut followers).await;
    // A backup of a database in use.
    let second = sled.path().join("second.koodtx");
    let second_name = second.to_str().expect("a path in UTF-8");
    succeeded(&run(&postgres, &["backup", second_name]));
    server.stop();
    let back = Folder::new();
    succeeded(&run(&back, &["restore", second_name]));
    assert_eq!(back.verify(), postgres.verify());
    let leftovers = std::fs::read_dir(sled.path()).expect("the folder is readable");
    let unfinished = leftovers.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().contains("unfinished")
    });
    assert_eq!(unfinished.count(), 0);
}

fn changed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// It has hashes of passwords in it.
fn is_private(file: &Path) {
    let metadata = std::fs::metadata(file).expect("there is a backup");
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    assert_eq!(mode & 0o077, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_store_is_not_served() {
    let (database, folder) = database().await;
    let mut connection = PgConnection::connect(&database.url())
        .await
        .expect("it answers");
    let half = "INSERT INTO unfinished_import (source) VALUES ('sled:/elsewhere')";
    sqlx::query(half)
        .execute(&mut connection)
        .await
        .expect("it is written");
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["user", "list"],
        &["verify"],
        &["backup", "half.koodtx"],
    ] {
        let refused = run(&folder, command);
        failed_with(&refused, "goes on where it broke off");
        failed_with(&refused, "sled:/elsewhere");
    }
}
