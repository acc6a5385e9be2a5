//! Everything of an account as one file, read by another implementation: Python.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Output};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use koodtx_core::id::{SessionId, SignInId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::store::{
    AccountStore, Analysis, NewFamily, NewUser, ResultStore, Store, SyncStore, User,
};
use koodtx_core::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use koodtx_core::time::Timestamp;
use koodtx_server::export::{ExportError, export_account};
use serde_json::{Value, json};

use crate::real_recordings::bodies;
use crate::support::readers::ndjson;
use crate::support::{USER, body, command, push, session, stored};

/// Noon of a day, and how the file shows it.
const NOON: Timestamp = Timestamp::from_millis(1_763_035_200_000);

async fn register(store: &MemoryStore) -> User {
    let new = NewUser {
        username: "ann".to_owned(),
        email: "ann@example.org".to_owned(),
        device_id: Some("phone".to_owned()),
        password_hash: "a secret hash".to_owned(),
    };
    let user = store.create_user(new, NOON).await.unwrap().unwrap();
    assert_eq!(user.id, USER);
    user
}

async fn file(store: Arc<dyn Store>, user: User) -> Result<Vec<u8>, ExportError> {
    let pieces = export_account(store, user, NOON);
    let pieces = pieces.inspect(|piece| assert!(piece.as_ref().map_or(true, |p| !p.is_empty())));
    pieces
        .try_fold(Vec::new(), async |mut file, piece| {
            file.extend(piece);
            Ok(file)
        })
        .await
}

fn python(arguments: &[&Path]) -> Output {
    let python = std::env::var("KOODTX_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/read_account.py"))
        .args(arguments)
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap_or_else(|error| panic!("{python}: {error}; KOODTX_TEST_PYTHON names a Python"))
}

/// The lines of each member, in the order in which they stand there.
fn members(file: &[u8]) -> BTreeMap<String, Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.zip");
    std::fs::write(&path, file).unwrap();
    let output = python(&[&path]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut members: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["member"].as_str().unwrap().to_owned();
        members.entry(name).or_default().push(line["line"].clone());
    }
    members
}

#[tokio::test]
async fn python_reads_everything_of_an_account() {
    let store = Arc::new(MemoryStore::new());
    let user = register(&store).await;
    let family = NewFamily {
        id: SignInId(session().0),
        user: USER,
        device_id: Some("phone".to_owned()),
        token: [7; 32],
        expires_at: NOON.plus_micros(1),
    };
    store.create_family(family, NOON).await.unwrap();
    let mut sessions = Vec::new();
    for body in bodies("basic_motions.jsonl")
        .into_iter()
        .chain(bodies("gps_tracks.jsonl"))
    {
        let command = command(&body);
        sessions.push(command.batch.session.session_id);
        store.push(command, NOON).await.unwrap();
    }
    push(&*store, &[]).await;
    store.delete_session(USER, session(), NOON).await.unwrap();
    let clock = store.session(USER, sessions[0]).await.unwrap().unwrap();
    let analysis = Analysis {
        session: sessions[0],
        clock: clock.state.updated_at,
        result: r#"{"mean":1.50}"#.to_owned(),
    };
    assert!(store.put_analysis(USER, analysis).await.unwrap());
    let pull = NewSyncLogEntry::new(SyncKind::Pull, SyncStatus::Success, None, 2, NOON);
    store.log(USER, pull, NOON).await.unwrap();

    let file = file(store.clone(), user).await.unwrap();
    for secret in ["a secret hash", "password"] {
        let is_there = file.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!is_there, "{secret}");
    }
    let members = members(&file);
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "account.json",
            "analyses.ndjson",
            "samples/000001.ndjson",
            "sessions.ndjson",
            "sign_ins.ndjson",
            "summary.json",
            "sync_log.ndjson",
        ]
    );
    let account = &members["account.json"][0];
    assert_eq!(account["user"]["username"], "ann");
    assert_eq!(account["user"]["email"], "ann@example.org");
    assert_eq!(account["exported_at"], "2025-11-13T12:00:00Z");
    let sign_in = &members["sign_ins.ndjson"][0];
    assert_eq!(sign_in["device_id"], "phone");

    let listed = &members["sessions.ndjson"];
    let (live, dead): (Vec<_>, Vec<_>) = listed
        .iter()
        .partition(|session| session["deleted_at"].is_null());
    let ids: Vec<&str> = live
        .iter()
        .map(|one| one["session_id"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = sessions.iter().map(SessionId::to_string).collect();
    assert_eq!(ids, expected);
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["session_id"], session().to_string());

    let mut by_session: BTreeMap<String, String> = BTreeMap::new();
    for line in &members["samples/000001.ndjson"] {
        let mut record = line.clone();
        let session = record.as_object_mut().unwrap().remove("session_id");
        let text = by_session
            .entry(session.unwrap().as_str().unwrap().to_owned())
            .or_default();
        text.push_str(&record.to_string());
        text.push('\n');
    }
    let mut count = 0;
    for session in &sessions {
        let expected = stored(&*store, *session).await;
        assert_eq!(ndjson(&by_session[&session.to_string()]), expected);
        count += expected.len();
    }
    assert_eq!((by_session.len(), count), (sessions.len(), 16_913));

    let analyses = &members["analyses.ndjson"];
    assert_eq!(analyses.len(), 1);
    assert_eq!(analyses[0]["session_id"], sessions[0].to_string());
    assert_eq!(analyses[0]["analysis"], json!({ "mean": 1.5 }));
    let log = store.log_entries(USER, None, 1_000).await.unwrap();
    let expected: Vec<Value> = log
        .iter()
        .map(|entry| serde_json::to_value(entry).unwrap())
        .collect();
    assert_eq!(members["sync_log.ndjson"], expected);
    assert_eq!(
        members["summary.json"],
        [json!({
            "sign_ins": 1,
            "sessions": sessions.len(),
            "deleted_sessions": 1,
            "records": count,
            "analyses": 1,
            "sync_log_entries": expected.len(),
            "damaged": 0,
        })]
    );
}

#[tokio::test]
async fn an_account_without_anything_is_a_file_too() {
    let store = Arc::new(MemoryStore::new());
    let user = register(&store).await;
    let members = members(&file(store, user).await.unwrap());
    assert_eq!(members["summary.json"][0]["records"], 0);
    assert!(!members.contains_key("samples/000001.ndjson"));
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_no_archive() {
    let store = Arc::new(MemoryStore::new());
    let user = register(&store).await;
    store
        .push(command(&bodies("gps_tracks.jsonl")[0]), NOON)
        .await
        .unwrap();
    let file = file(store, user).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The last bytes, each, and places all over the file.
    let places = (0..60)
        .map(|part| file.len() * part / 60)
        .chain(file.len() - 40..file.len());
    let mut paths = Vec::new();
    for len in places {
        let path = folder.path().join(format!("{len}.zip"));
        std::fs::write(&path, &file[..len]).unwrap();
        paths.push(path);
    }
    let refuse = [Path::new("--refuse")];
    let paths = paths.iter().map(|path| &**path);
    let arguments: Vec<&Path> = refuse.into_iter().chain(paths).collect();
    let output = python(&arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// A session long enough for its samples to be read in several steps.
async fn push_long_session(store: &MemoryStore) {
    let records: Vec<String> = (0..60_000_u64)
        .map(|time| {
            let noise = time.wrapping_mul(6_364_136_223_846_793_005) >> 20;
            format!(r#"{{"sensor_type":"acc","timestamp":{time},"data":{{"x":{noise}}}}}"#)
        })
        .collect();
    store.push(command(&body(&records)), NOON).await.unwrap();
}

#[tokio::test]
async fn an_export_breaks_off_where_samples_are_deleted_or_the_account_is() {
    for deletes_account in [false, true] {
        let store = Arc::new(MemoryStore::new());
        let user = register(&store).await;
        push_long_session(&store).await;
        let mut stream = pin!(export_account(store.clone(), user, NOON));
        // The first piece is full, so it has samples.
        let first = stream.next().await.unwrap().unwrap();
        if deletes_account {
            assert!(store.delete_user(USER, NOON).await.unwrap());
        } else {
            store.delete_session(USER, session(), NOON).await.unwrap();
        }
        let (mut file, mut error) = (first.to_vec(), None);
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => file.extend(piece),
                Err(broken) => error = Some(broken),
            }
        }
        assert!(
            matches!(
                error,
                Some(ExportError::Removed | ExportError::AccountDeleted)
            ),
            "{error:?}"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.zip");
        std::fs::write(&path, &file).unwrap();
        let output = python(&[Path::new("--refuse"), &path]);
        assert!(output.status.success());
    }
}
