//! A store of each kind, a clock to set, and a device.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use koodtx_core::id::{SessionId, SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::pull::PullRequest;
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, SyncService};
use koodtx_core::store::Store;
use koodtx_core::time::Timestamp;
use koodtx_server::jobs::{Arguments, Context, Retention, Task, run_task};
use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use koodtx_store_sled::{SledOptions, SledStore};
use serde_json::{Value, json};

pub const ANN: UserId = UserId(1);
pub const BEN: UserId = UserId(2);
const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// Where the clock begins: 2025-11-13T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_763_035_200_000);

/// A store with a clock of its own.
pub struct World {
    pub store: Arc<dyn Store>,
    pub service: SyncService,
    pub context: Context,
    clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
    _guard: Box<dyn Any + Send>,
}

/// Runs each test on each kind of store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test] async fn $name() {
                super::$name($crate::support::World::on_memory()).await;
            })*
        }
        mod on_sled {
            $(#[tokio::test] async fn $name() {
                super::$name($crate::support::World::on_sled()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $name() {
                super::$name($crate::support::World::on_postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_every_store;

impl World {
    pub fn on_memory() -> Self {
        Self::of(Arc::new(MemoryStore::new()), Box::new(()))
    }

    pub fn on_sled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SledStore::open(folder.path(), SledOptions::default()).unwrap();
        Self::of(Arc::new(store), Box::new(folder))
    }

    pub async fn on_postgres() -> Self {
        let database = TestCluster::shared().database().await;
        let options = PostgresOptions::from_url(&database.url()).unwrap();
        let store = PostgresStore::open(&options).await.unwrap();
        Self::of(Arc::new(store), Box::new(database))
    }

    fn of(store: Arc<dyn Store>, guard: Box<dyn Any + Send>) -> Self {
        let clock = Arc::new(AtomicI64::new(NOON.as_micros()));
        let reading = Arc::clone(&clock);
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> =
            Arc::new(move || Timestamp::from_micros(reading.fetch_add(1, Ordering::Relaxed)));
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            store: store.clone(),
            queue: None,
            retention: Retention {
                sample_days: Some(30),
                log_days: Some(90),
                export_days: Some(7),
                stale_hours: Some(24),
            },
            export_folder: folder.path().join("exports"),
            time_limit: Duration::from_mins(5),
            clock: now.clone(),
        };
        Self {
            service: SyncService::with_clock(store.clone(), now),
            store,
            context,
            clock,
            folder,
            _guard: guard,
        }
    }

    /// Lets time pass.
    pub fn hours_later(&self, hours: i64) {
        self.clock
            .fetch_add(hours * MICROS_PER_HOUR, Ordering::Relaxed);
    }

    pub fn days_later(&self, days: i64) {
        self.hours_later(24 * days);
    }

    /// A folder that ends with the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a task.
    pub async fn run(&self, task: Task, arguments: &[(&str, &str)]) -> Value {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let arguments: Arguments = arguments.iter().map(own).collect();
        run_task(&self.context, task, &arguments).await.unwrap()
    }

    /// Says what a task would do.
    pub async fn dry_run(&self, task: Task) -> Value {
        self.run(task, &[("dry-run", "true")]).await
    }

    /// Pushes samples `times` (milliseconds) of one sensor.
    pub async fn push(
        &self,
        user: UserId,
        session: u32,
        members: &Value,
        times: std::ops::Range<i64>,
    ) {
        let records: Vec<_> = times
            .map(|time| {
                json!({ "sensor_type": "acc", "timestamp": time, "data": { "x": time as f64 } })
            })
            .collect();
        let mut meta = json!({
            "session_id": session_id(session).to_string(),
            "start_time": "2025-11-13T11:00:00Z",
        });
        let members = members.as_object().unwrap().clone();
        meta.as_object_mut().unwrap().extend(members);
        let body = json!({ "session": meta, "sensor_data": records }).to_string();
        let batch = Arc::new(PushBatch::parse(body.as_bytes()).unwrap());
        let now = self.service.now();
        let caller = caller(user);
        let pushed = self
            .service
            .push(&caller, batch, body.len() as u64, now)
            .await;
        assert_eq!(pushed.unwrap().errors, 0);
    }

    /// Whether a verification finds nothing wrong.
    pub async fn is_sound(&self) -> bool {
        let page = self.store.verify(None, usize::MAX).await.unwrap();
        page.problems.is_empty()
    }
}

pub fn session_id(number: u32) -> SessionId {
    format!("00000000-0000-4000-8000-{number:012x}")
        .parse()
        .unwrap()
}

fn caller(user: UserId) -> Caller {
    Caller {
        user,
        device_id: Some("watch".to_owned()),
        sign_in: SignInId(uuid::Uuid::nil()),
        request_id: None,
    }
}

/// A device that follows the protocol, asking only for changes.
pub struct Device {
    user: UserId,
    since: Option<String>,
    pub sessions: BTreeMap<String, Value>,
    /// Samples by session and time.
    pub samples: BTreeMap<(String, i64), Value>,
    /// Sessions that the last round showed.
    pub shown: Vec<String>,
}

impl Device {
    pub fn of(user: UserId) -> Self {
        Self {
            user,
            since: None,
            sessions: BTreeMap::new(),
            samples: BTreeMap::new(),
            shown: Vec::new(),
        }
    }

    /// Pulls what changed.
    pub async fn pull(&mut self, world: &World) {
        self.shown.clear();
        let mut cursor: Option<String> = None;
        loop {
            let mut request = json!({ "changes_only": true, "last_sync_time": self.since });
            if let Some(cursor) = &cursor {
                request["cursor"] = json!(cursor);
            }
            let request = PullRequest::from_json(request.to_string().as_bytes()).unwrap();
            let mut stream = world
                .service
                .pull(&caller(self.user), request, 0)
                .await
                .unwrap();
            let mut text = Vec::new();
            while let Some(chunk) = stream.next_chunk().await.unwrap() {
                text.extend_from_slice(&chunk);
            }
            let page: Value = serde_json::from_slice(&text).unwrap();
            self.apply(&page);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                self.since = page["server_timestamp"].as_str().map(str::to_owned);
                return;
            }
        }
    }

    fn apply(&mut self, page: &Value) {
        for id in page["deleted_session_ids"].as_array().unwrap() {
            let id = id.as_str().unwrap();
            self.sessions.remove(id);
            self.samples.retain(|(session, _), _| session != id);
        }
        for session in page["sessions"].as_array().unwrap() {
            let id = session["session_id"].as_str().unwrap().to_owned();
            for record in session["sensor_data"].as_array().unwrap() {
                let time = record["timestamp"].as_i64().unwrap();
                self.samples
                    .insert((id.clone(), time), record["data"].clone());
            }
            let mut meta = session.clone();
            meta.as_object_mut().unwrap().remove("sensor_data");
            self.shown.push(id.clone());
            self.sessions.insert(id, meta);
        }
    }
}
