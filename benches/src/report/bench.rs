//! What every measurement needs.

use std::path::{Path, PathBuf};

use koodtx_store_postgres::testing::{ClusterOptions, TestCluster};

use super::home::Home;
use super::part::{Part, Store};
use super::results::Results;
use super::server::Server;
use super::sizes::{BATCH_SAMPLES, CONNECTIONS_COUNT, Sizes};
use super::{ReportError, ReportOptions};
use crate::load::{DigitsArg, Form, LoadOptions, Mode};

/// Samples after which a device goes on in a new session: an hour.
const SESSION_SAMPLES: u64 = 3_600 * 301;
/// Name of the server's binary, beside that of this program.
const SERVER: &str = "koodtx-server";

/// What is to be measured, with what, and what came of it.
pub(super) struct Bench {
    options: ReportOptions,
    pub sizes: Sizes,
    binary: PathBuf,
    cluster: Option<TestCluster>,
    progress: Box<dyn FnMut(String) + Send>,
    pub results: Results,
}

impl Bench {
    /// `progress` hears of what is about to be measured.
    pub(super) async fn new(
        options: &ReportOptions,
        progress: Box<dyn FnMut(String) + Send>,
    ) -> Result<Self, ReportError> {
        let binary = options
            .server
            .clone()
            .unwrap_or_else(|| beside_this(SERVER));
        if !binary.is_file() {
            return Err(ReportError::NoServer(binary));
        }
        let binary = std::path::absolute(&binary).map_err(ReportError::io("the working folder"))?;
        let needs_cluster = options.stores().any(|store| store == Store::Postgres);
        let cluster = if needs_cluster {
            let start = || TestCluster::start_with(ClusterOptions::default().durable());
            let started = tokio::task::spawn_blocking(start).await;
            Some(started.map_err(|_| ReportError::NoCluster)?)
        } else {
            None
        };
        Ok(Self {
            options: options.clone(),
            sizes: if options.quick {
                Sizes::quick()
            } else {
                Sizes::full()
            },
            binary,
            cluster,
            progress,
            results: Results::default(),
        })
    }

    pub(super) fn wants(&self, part: Part) -> bool {
        self.options.wants(part)
    }

    /// Whether any of these parts is to be measured; says so if it is.
    pub(super) fn begins(&mut self, store: Store, parts: &[Part], what: &str) -> bool {
        let begins = parts.iter().any(|&part| self.options.wants(part));
        if begins {
            (self.progress)(format!("{store}: {what}"));
        }
        begins
    }

    /// An empty store.
    pub(super) async fn home(&self, store: Store) -> Result<Home, ReportError> {
        Home::new(store, self.cluster.as_ref()).await
    }

    /// A server on it.
    pub(super) fn serve(&self, home: &Home) -> Result<Server, ReportError> {
        Server::start(&self.binary, home)
    }
}

fn beside_this(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap_or_default();
    let folder = this.parent().unwrap_or(Path::new("."));
    folder
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// Fresh pushes to a server as most rows want them; the rest is for the caller to change.
pub(super) fn load(server: &Server) -> LoadOptions {
    LoadOptions {
        url: server.url().to_owned(),
        connections: CONNECTIONS_COUNT,
        batch: BATCH_SAMPLES,
        seconds: 1,
        mode: Mode::Fresh,
        digits: DigitsArg::Decimal,
        form: Form::Records,
        session_samples: SESSION_SAMPLES,
        users: None,
        username: None,
        password: None,
        server_pid: None,
        data_dir: None,
    }
}
