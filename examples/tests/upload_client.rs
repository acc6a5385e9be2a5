//! The client of the upload, against a server in this process whose clock the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use koodtx_core::memory::MemoryStore;
use koodtx_core::time::Timestamp;
use koodtx_examples::recordings::{GPS_TRACKS, push_bodies};
use koodtx_examples::upload::{
    Account, Client, ClientError, Compression, Expected, Replica, upload,
};
use koodtx_server::Server;
use serde_json::json;
use tokio::net::TcpListener;

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const DAY_MICROS: i64 = 24 * 60 * MINUTE_MICROS;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose time passes only when the test says so.
struct TestServer {
    url: String,
    clock: Arc<AtomicI64>,
}

impl TestServer {
    async fn start() -> Self {
        let clock = Arc::new(AtomicI64::new(Timestamp::now().as_micros()));
        let now = clock.clone();
        let builder = Server::builder()
            .store(Arc::new(MemoryStore::new()))
            .clock(Arc::new(move || {
                Timestamp::from_micros(now.load(Ordering::Relaxed))
            }));
        let server = builder.build().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(server.run(listener, std::future::pending()));
        Self { url, clock }
    }

    fn pass(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
    }

    async fn client(&self, password: &str, device: &str) -> Result<Client, ClientError> {
        let account = Account {
            username: "ann".to_owned(),
            email: "ann@example.com".to_owned(),
            password: password.to_owned(),
        };
        Client::sign_in(&self.url, account, device, PATIENCE).await
    }
}

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn tokens_are_renewed_when_they_expire() {
    let server = TestServer::start().await;
    let mut client = server.client(PASSWORD, "phone").await.unwrap();
    let request = json!({ "include_data": false });
    client.pull(&request).await.unwrap();
    assert_eq!((client.stats().refreshes, client.stats().sign_ins), (0, 1));

    server.pass(61 * MINUTE_MICROS);
    client.pull(&request).await.unwrap();
    assert_eq!(
        (client.stats().refreshes, client.stats().sign_ins),
        (1, 1),
        "the access token expired"
    );

    server.pass(31 * DAY_MICROS);
    client.pull(&request).await.unwrap();
    assert_eq!(
        (client.stats().refreshes, client.stats().sign_ins),
        (1, 2),
        "the refresh token too"
    );
}

#[tokio::test]
async fn a_refusal_is_reported_and_not_repeated() {
    let server = TestServer::start().await;
    let mut client = server.client(PASSWORD, "phone").await.unwrap();
    let error = client.pull(&json!({ "page": 0 })).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Refused { status, .. } if status.as_u16() == 400),
        "{error}"
    );
    assert!(error.to_string().contains("`page`"), "{error}");
    assert_eq!(client.stats().retries, 0);

    let error = server.client("wrong password", "phone").await.unwrap_err();
    assert!(error.to_string().contains("invalid_credentials"), "{error}");
}

#[tokio::test]
async fn patience_ends() {
    // A port that was free a moment ago and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let account = Account {
        username: "ann".into(),
        email: "ann@example.com".into(),
        password: PASSWORD.into(),
    };
    let error = Client::sign_in(&url, account, "phone", Duration::from_millis(1))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::GaveUp { .. }), "{error}");
}

#[tokio::test]
async fn a_comparison_finds_what_differs() {
    let server = TestServer::start().await;
    let mut client = server.client(PASSWORD, "phone").await.unwrap();
    let bodies = push_bodies(GPS_TRACKS.as_ref()).unwrap();
    let pause = Duration::ZERO;
    upload(&mut client, &bodies, Compression::None, pause, |_| ())
        .await
        .unwrap();
    let mut replica = Replica::default();
    replica.round(&mut client).await.unwrap();
    let same = Expected::from_bodies(&bodies).unwrap().compare(&replica);
    assert_eq!(
        (same.sessions, same.records, same.differences_count),
        (3, 913, 0),
        "{same:?}"
    );

    // Somebody changes a sample and a name, and adds a sample.
    let session = &bodies[0][..bodies[0].find(",\"sensor_data\"").unwrap()];
    let session = session.replace("Hike around a lake", "A walk");
    let changed = format!(
        r#"{session},"sensor_data":[
            {{"sensor_type":"gps","timestamp":1281018239000,"data":{{"latitude":45.8}}}},
            {{"sensor_type":"gps","timestamp":1281018239000.5,"data":{{}}}}]}}"#
    );
    let report = upload(&mut client, &[changed], Compression::Zstd, pause, |_| ())
        .await
        .unwrap();
    assert_eq!(
        (report.inserted, report.updated, report.sessions_moved),
        (1, 1, 1)
    );
    replica.round(&mut client).await.unwrap();
    let differs = Expected::from_bodies(&bodies).unwrap().compare(&replica);
    let found = differs.differences.join("\n");
    assert_eq!(differs.differences_count, 4, "{found}");
    for what in [
        "notes was",
        "data_count is 297",
        "1281018239000000",
        "1281018239000500",
    ] {
        assert!(found.contains(what), "{what} is missing in:\n{found}");
    }
}
