use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use koodtx_core::store::Store;
use koodtx_core::time::Timestamp;
use koodtx_server::{Config, Reload, Server, ServerBuilder, Sources};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Account, Request};

/// A server that stops when it is dropped.
pub struct TestServer {
    pub address: std::net::SocketAddr,
    pub http: reqwest::Client,
    pub store: Arc<dyn Store>,
    pub reload: Reload,
    /// Where its metrics are, if they are on.
    pub metrics: Option<std::net::SocketAddr>,
    ahead_micros: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
    /// What the store needs for as long as the server runs.
    guard: Option<Box<dyn Any + Send + Sync>>,
}

pub const SECRET: &str = "a secret of the tests, which is long enough";

impl TestServer {
    /// With default settings apart from a known secret and no limits on rates.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these variables on top.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        Self::on(Arc::new(koodtx_core::memory::MemoryStore::new()), variables).await
    }

    /// On that store.
    pub async fn on(store: Arc<dyn Store>, variables: &[(&str, &str)]) -> Self {
        Self::built(Server::builder().store(store), variables).await
    }

    /// On the store that the variables name.
    pub async fn by_settings(variables: &[(&str, &str)]) -> Self {
        Self::built(Server::builder(), variables).await
    }

    async fn built(builder: ServerBuilder, variables: &[(&str, &str)]) -> Self {
        let base = [
            ("KOODTX_JWT_SECRET", SECRET),
            ("KOODTX_RATE_LIMIT", "off"),
            ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "off"),
        ];
        let all = base.iter().chain(variables);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::read(&Sources::new().environment(all)).unwrap();
        let ahead_micros = Arc::new(AtomicI64::new(0));
        let ahead = ahead_micros.clone();
        let server = builder
            .config(config)
            .clock(Arc::new(move || {
                Timestamp::now().plus_micros(ahead.load(Ordering::Relaxed))
            }))
            .build()
            .await
            .unwrap();
        let reload = server.reload();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (store, metrics) = (server.store().clone(), server.metrics_address());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(listener, async {
            stopped.await.unwrap_or(());
        }));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            address,
            http,
            store,
            reload,
            metrics,
            ahead_micros,
            stop: Some(stop),
            running,
            guard: None,
        }
    }

    /// Keeps something for as long as the server runs.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Lets the server's clock run ahead.
    pub fn advance_seconds(&self, seconds: i64) {
        self.ahead_micros
            .fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Stops the server and waits until it has.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
        self.running.await.unwrap().unwrap();
    }

    pub fn get(&self, path: &str) -> Request<'_> {
        Request::new(self, "GET", path)
    }

    pub fn post(&self, path: &str) -> Request<'_> {
        Request::new(self, "POST", path)
    }

    pub fn delete(&self, path: &str) -> Request<'_> {
        Request::new(self, "DELETE", path)
    }

    /// Registers `name` with a device of the same name.
    pub async fn register(&self, name: &str) -> Account {
        let body = serde_json::json!({
            "username": name,
            "email": format!("{name}@example.com"),
            "password": Account::PASSWORD,
            "device_id": format!("{name}-phone"),
        });
        let reply = self.post("/api/auth/register").json(&body).send().await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        Account::of(&reply)
    }

    /// Signs `name` in on `device`.
    pub async fn login(&self, name: &str, device: &str) -> Account {
        let body = serde_json::json!({
            "username": name, "password": Account::PASSWORD, "device_id": device,
        });
        let reply = self.post("/api/auth/login").json(&body).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        Account::of(&reply)
    }
}
