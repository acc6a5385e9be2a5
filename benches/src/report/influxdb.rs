//! InfluxDB, which many use for samples like these: what the server is compared with.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ReportError;
use crate::load::{Endpoint, one_connection};

const PROGRAM: &str = "influxd";
/// What a row says where it is not there.
pub(super) const NOT_INSTALLED: &str = "influxd is not installed";
const DATABASE: &str = "bench";
const START_MAX_SECONDS: u64 = 30;
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A running InfluxDB with an empty database in a temporary folder; both go with it.
#[derive(Debug)]
pub(super) struct InfluxDb {
    child: Child,
    url: String,
    version: String,
    _folder: TempDir,
}

/// Where the program is, if it is installed.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

/// A port that was free a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl InfluxDb {
    /// Starts one; `None` where it is not installed.
    pub(super) async fn start() -> Result<Option<Self>, ReportError> {
        let Some(program) = program() else {
            return Ok(None);
        };
        let starting = || ReportError::io("starting influxd");
        let folder = TempDir::new().map_err(starting())?;
        let (http, rpc) = (
            free_port().map_err(starting())?,
            free_port().map_err(starting())?,
        );
        let config = folder.path().join("influxdb.conf");
        std::fs::write(&config, settings(&folder, http, rpc)).map_err(starting())?;
        let log = std::fs::File::create(folder.path().join("log")).map_err(starting())?;
        let version = Command::new(&program)
            .arg("version")
            .output()
            .map_err(starting())?;
        let version = String::from_utf8_lossy(&version.stdout);
        let child = Command::new(&program)
            .arg("-config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(starting())?;
        let influx = Self {
            child,
            url: format!("http://127.0.0.1:{http}"),
            version: version
                .split(" (")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            _folder: folder,
        };
        influx.create_database().await?;
        Ok(Some(influx))
    }

    /// What it calls itself, like `InfluxDB v1.6.7`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// A connection of its own.
    pub(super) fn endpoint(&self) -> Result<Endpoint, ReportError> {
        let http = one_connection().map_err(|error| self.failed(&error))?;
        let url = format!("{}/write?db={DATABASE}&precision=ms", self.url);
        Ok(Endpoint::of_lines(http, url))
    }

    /// Creates the database as soon as it can be reached.
    async fn create_database(&self) -> Result<(), ReportError> {
        let http = one_connection().map_err(|error| self.failed(&error))?;
        let started = Instant::now();
        loop {
            let request = http.post(format!("{}/query?q=CREATE+DATABASE+{DATABASE}", self.url));
            match request
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
            {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed().as_secs() > START_MAX_SECONDS => {
                    return Err(self.failed(&error));
                }
                Err(_) => tokio::time::sleep(POLL_EVERY).await,
            }
        }
    }

    fn failed(&self, error: &reqwest::Error) -> ReportError {
        ReportError::NotStarted {
            program: PROGRAM,
            reason: format!("{}: {error}", self.url),
        }
    }
}

/// Its defaults, each write synced to disk among them, but for where it keeps its files and listens.
fn settings(folder: &TempDir, http: u16, rpc: u16) -> String {
    let folder = folder.path().display();
    format!(
        "reporting-disabled = true\n\
         bind-address = \"127.0.0.1:{rpc}\"\n\
         [meta]\n\
         dir = \"{folder}/meta\"\n\
         [data]\n\
         dir = \"{folder}/data\"\n\
         wal-dir = \"{folder}/wal\"\n\
         query-log-enabled = false\n\
         [monitor]\n\
         store-enabled = false\n\
         [http]\n\
         bind-address = \"127.0.0.1:{http}\"\n\
         log-enabled = false\n\
         [logging]\n\
         level = \"warn\"\n"
    )
}

impl Drop for InfluxDb {
    fn drop(&mut self) {
        // Its data are thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
