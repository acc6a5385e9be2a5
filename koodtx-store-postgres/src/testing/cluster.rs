//! A PostgreSQL server of a test.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::account::Account;
use super::binaries;
use super::database::TestDatabase;
use super::options::ClusterOptions;
use super::watchdog::{self, Watchdog};
use crate::PostgresOptions;

/// The operator of the cluster.
pub(super) const SUPERUSER: &str = "koodtx";
/// An empty database with the schema, of which the databases of tests are copies.
const TEMPLATE: &str = "koodtx_template";
/// Name of the socket's port where nobody listens on TCP; the folder is the cluster's own.
const SOCKET_PORT: u16 = 5432;
/// Longest path of temporary folders that leaves room for a socket: its own may have 107 bytes.
const PARENT_PATH_MAX_BYTES: usize = 64;
/// Longest wait for the server to accept connections.
const START_MAX_SECONDS: u64 = 60;
const POLL_EVERY_MILLIS: u64 = 5;
/// Where `postmaster.pid` says how the server is doing, in lines from 0, and what it says then.
const STATUS_LINE: usize = 7;
const STATUS_READY: &str = "ready";

/// A PostgreSQL server in a temporary folder, reached through a socket in it. Clones are the same
/// cluster, which goes with the last of them and of its databases.
#[derive(Clone, Debug)]
pub struct TestCluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Before the folder: the server has to be gone when its files go.
    server: Mutex<Option<Watchdog>>,
    folder: TempDir,
    programs: PathBuf,
    account: Account,
    options: ClusterOptions,
    port: u16,
    template: OnceCell<()>,
    databases: AtomicU64,
}

impl TestCluster {
    /// A cluster with the default settings.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(ClusterOptions::default())
    }

    /// A cluster.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start_with(options: ClusterOptions) -> Self {
        let account = Account::unprivileged();
        let programs = binaries::find();
        let folder = temporary_folder();
        account.own(folder.path());
        let initialise = [
            programs.join("initdb").display().to_string(),
            format!("--pgdata={}", folder.path().join("data").display()),
            format!("--username={SUPERUSER}"),
            "--auth=trust".to_owned(),
            "--encoding=UTF8".to_owned(),
            "--no-locale".to_owned(),
            "--no-sync".to_owned(),
        ];
        watchdog::run(account, folder.path(), &initialise);
        let cluster = Self {
            inner: Arc::new(Inner {
                server: Mutex::new(None),
                folder,
                programs,
                account,
                options,
                port: if options.is_tcp() {
                    free_port()
                } else {
                    SOCKET_PORT
                },
                template: OnceCell::new(),
                databases: AtomicU64::new(0),
            }),
        };
        cluster.restart();
        cluster
    }

    /// The one cluster of this test process, with the default settings.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestCluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A database of its own with the current schema, and nothing in it.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub async fn database(&self) -> TestDatabase {
        self.inner
            .template
            .get_or_init(|| self.make_template())
            .await;
        self.create(TEMPLATE).await
    }

    /// A database of its own without a schema.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub async fn empty_database(&self) -> TestDatabase {
        self.create("template0").await
    }

    /// Ends the server at once, as `pg_ctl stop -m immediate` does: without finishing anything.
    pub fn stop_immediately(&self) {
        self.server().take();
    }

    /// Ends the server at once, if it runs, and starts it on what it left. Waits until it answers.
    ///
    /// # Panics
    /// Where it does not answer in a minute; says what its log has.
    pub fn restart(&self) {
        let inner = &self.inner;
        let mut server = self.server();
        server.take();
        let folder = inner.folder.path();
        let data = folder.join("data");
        // Left by a server that could not remove it, and then it says "ready".
        let status = data.join("postmaster.pid");
        let _ = fs::remove_file(&status);
        let mut command = vec![
            inner.programs.join("postgres").display().to_string(),
            "-D".to_owned(),
            data.display().to_string(),
        ];
        let fixed = [
            format!("unix_socket_directories={}", folder.display()),
            format!("port={}", inner.port),
        ];
        for setting in inner.options.settings().into_iter().chain(fixed) {
            command.extend(["-c".to_owned(), setting]);
        }
        *server = Some(Watchdog::start(inner.account, folder, &command));
        let started = Instant::now();
        while !is_ready(&status) {
            assert!(
                started.elapsed() < Duration::from_secs(START_MAX_SECONDS),
                "PostgreSQL did not start:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(POLL_EVERY_MILLIS));
        }
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.inner.folder.path().join("log")).unwrap_or_default()
    }

    /// The process of the server, whose children are all others of the cluster.
    ///
    /// # Panics
    /// Where the server does not run.
    pub fn server_pid(&self) -> u32 {
        let status = self.inner.folder.path().join("data/postmaster.pid");
        let text = fs::read_to_string(status).expect("the server runs");
        let pid = text.lines().next().and_then(|line| line.parse().ok());
        pid.expect("its file begins with its process")
    }

    /// The folder of the server's socket.
    pub fn socket_folder(&self) -> &Path {
        self.inner.folder.path()
    }

    /// The server's port: of the loopback address, where it listens there, and of its socket.
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.inner.options.is_tcp()
    }

    /// Runs one statement as operator.
    pub(super) async fn operate(&self, statement: String) -> sqlx::Result<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        connection.close().await
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket_folder())
            .port(self.port())
            .username(SUPERUSER)
            .database("postgres")
            .connect()
            .await
    }

    async fn make_template(&self) {
        // Of a test that panicked before it was done.
        self.operate(format!("DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
            .await
            .expect("drops a database");
        self.operate(format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0"))
            .await
            .expect("creates a database");
        let options = PostgresOptions::from_url(&self.url(TEMPLATE)).expect("its URL is good");
        crate::migrate(&options).await.expect("migrates");
        // A database that somebody is connected to, be it a vacuum, cannot be copied.
        self.operate(format!(
            "ALTER DATABASE {TEMPLATE} WITH ALLOW_CONNECTIONS false"
        ))
        .await
        .expect("closes a database");
    }

    async fn create(&self, template: &str) -> TestDatabase {
        let number = self.inner.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.operate(format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("creates a database");
        TestDatabase::new(self.clone(), name)
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!(
            "postgres:///{database}?host={}&port={}&user={SUPERUSER}",
            self.socket_folder().display(),
            self.port()
        )
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Watchdog>> {
        // What it guards is right at any time: a server or none.
        self.inner
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ready(status: &Path) -> bool {
    fs::read_to_string(status)
        .is_ok_and(|text| text.lines().nth(STATUS_LINE).map(str::trim) == Some(STATUS_READY))
}

/// A folder whose path is short enough for a socket.
fn temporary_folder() -> TempDir {
    let parent = env::temp_dir();
    let parent = if parent.as_os_str().len() <= PARENT_PATH_MAX_BYTES {
        parent
    } else {
        PathBuf::from("/tmp")
    };
    tempfile::Builder::new()
        .prefix("koodtx-pg-")
        .tempdir_in(parent)
        .expect("creates a temporary folder")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("binds to the loopback address");
    listener.local_addr().expect("it has an address").port()
}
