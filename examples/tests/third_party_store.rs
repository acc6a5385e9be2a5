//! The conformance suite on the journal store, and the server that has it under `journal:`.

mod support;

use std::path::Path;
use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::id::UserId;
use koodtx_core::push::PushBatch;
use koodtx_core::store::{PushCommand, Quota, Store, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_examples::journal_store::JournalStore;
use serde_json::{Value, json};
use support::ServerProcess;

/// What any author of a store does: about five lines.
mod conformance {
    use super::*;

    async fn fresh() -> Harness {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let open = move || {
            let path = path.clone();
            async move { Ok(Arc::new(JournalStore::open(path).await?) as Arc<dyn Store>) }
        };
        Harness::new(open().await.unwrap())
            .with_guard(folder)
            .with_reopen(open)
    }
    koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer, persistence);
}

/// The limit on the size of `data` is about what a client sends. In stored form it may be longer,
/// and has to be replayed all the same.
#[tokio::test]
async fn data_that_grew_in_its_stored_form_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = vec!["1e15"; 3_000].join(",");
    let body = json!({
        "session": { "session_id": "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
                     "start_time": "2025-11-13T00:00:00Z", "end_time": null, "sample_rate": 12.5,
                     "updated_at": "2025-11-13T00:00:00.000001Z" },
        "sensor_data": []
    });
    let record = format!(
        r#"{{"sensor_type":"a","timestamp":1.5,"data":{{"n":[{numbers}]}},
             "updated_at":"2025-11-13T00:00:00Z"}}"#
    );
    let body = body.to_string().replace("[]", &format!("[{record}]"));
    let batch = Arc::new(PushBatch::parse(body.as_bytes()).unwrap());
    assert_eq!((batch.errors, batch.series.len()), (0, 1));
    let now = Timestamp::now();
    let command = PushCommand {
        user: UserId(1),
        batch,
        device_id: None,
        body_bytes: 1,
        started_at: now,
        request_id: None,
        quota: Quota::default(),
    };

    let store = JournalStore::open(folder.path()).await.unwrap();
    assert_eq!(store.push(command.clone(), now).await.unwrap().inserted, 1);
    let before = store.sessions(UserId(1), None, 10).await.unwrap();
    drop(store);
    let store = JournalStore::open(folder.path()).await.unwrap();
    assert_eq!(store.sessions(UserId(1), None, 10).await.unwrap(), before);
    let again = store.push(command, now).await.unwrap();
    assert_eq!((again.inserted, again.updated, again.duplicates), (0, 0, 1));
}

#[tokio::test]
async fn the_server_serves_it_and_kill_9_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start("127.0.0.1:0", folder.path());
    // A connection that is kept would be one to the server that is killed.
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let url = server.url();

    let health: Value = http
        .get(format!("{url}/health"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        health["store"],
        json!({ "kind": "journal", "status": "healthy" }),
        "{health}"
    );

    let account = json!({ "username": "ann", "email": "ann@example.com", "device_id": "phone",
                          "password": "correct horse battery" });
    let answer = http
        .post(format!("{url}/api/auth/register"))
        .json(&account)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let tokens: Value = answer.json().await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();

    let body = json!({
        "session": { "session_id": "0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
                     "start_time": "2025-11-13T00:00:00Z" },
        "sensor_data": [{ "sensor_type": "gps", "timestamp": 1_699_876_543_210_i64,
                          "data": { "latitude": 45.77 } }]
    });
    let push = async || -> Value {
        let answer = http
            .post(format!("{url}/api/sync/push"))
            .bearer_auth(token)
            .json(&body)
            .send();
        answer.await.unwrap().json().await.unwrap()
    };
    assert_eq!(push().await["inserted"], 1);

    let address = server.address.clone();
    server.kill();
    let _server = start(&address, folder.path());
    let again = push().await;
    assert_eq!(
        (&again["inserted"], &again["duplicates"]),
        (&json!(0), &json!(1)),
        "{again}"
    );
}

fn start(listen: &str, folder: &Path) -> ServerProcess {
    let binary = Path::new(env!("CARGO_BIN_EXE_third_party_store"));
    ServerProcess::start(binary, "journal:journal-data", listen, folder)
}
