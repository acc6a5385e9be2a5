//! The command line.

#[macro_use]
mod output;

mod args;
mod backup;
mod copy;
mod health;
mod jobs;
mod migrate;
mod openapi;
mod pinned;
mod progress;
mod report;
mod serve;
mod server_client;
mod status;
mod user;
mod verify;

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use koodtx_core::store::Store;

use crate::auth::AuthError;
use crate::config::{CONFIG_FILE_VARIABLE, Config, ConfigError, Setting, Sources};
use crate::error::ApiError;
use crate::jobs::TaskError;
use crate::logging;
use crate::queue::QueueError;
use crate::server::{open, open_unfinished};
use crate::start_error::StartError;
use crate::stores::{Residence, StoreRegistry};
use crate::traces::{Traces, TracesError};

use args::{Cli, Command};

/// Threads that may block, for each core.
const BLOCKING_THREADS_PER_CORE_COUNT: usize = 8;
/// Threads that may block, on a small machine.
const BLOCKING_THREADS_MIN_COUNT: usize = 16;

/// Why a command failed, for who typed it.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Start(#[from] StartError),
    #[error("{what}: {source}")]
    Io {
        what: String,
        source: std::io::Error,
    },
    #[error("the store failed: {0}")]
    Store(#[from] koodtx_core::store::StoreError),
    #[error("{0}")]
    Task(#[from] TaskError),
    #[error("{0}")]
    Traces(#[from] TracesError),
    #[error("{0}")]
    Queue(#[from] QueueError),
    #[error("{0}")]
    Failed(String),
}

impl From<AuthError> for CliError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => Self::Store(error),
            // The sentence for clients serves here too.
            other => Self::Failed(ApiError::from(other).message().to_owned()),
        }
    }
}

/// Runs the program with these stores to choose from: reads the command line and the settings, does
/// what they say, and reports failures on standard error.
pub fn main(stores: StoreRegistry) -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(blocking_threads_count())
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("koodtx-server: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli, stores)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("koodtx-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Threads for what blocks: parsing pushes, and writing them into the embedded store. What a thread has
/// allocated it keeps for a while, and so many wait for the disk together that more would save no sync.
fn blocking_threads_count() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (cores * BLOCKING_THREADS_PER_CORE_COUNT).max(BLOCKING_THREADS_MIN_COUNT)
}

async fn run(cli: Cli, stores: StoreRegistry) -> Result<ExitCode, CliError> {
    if let Some(Command::Openapi(args)) = &cli.command {
        return openapi::run(args);
    }
    let config = settings(&cli)?;
    let migrate_first = cli.serve.migrate;
    let serves = matches!(cli.command, None | Some(Command::Serve(_)));
    let traces = match &config.observe.otlp {
        Some(endpoint) if serves => Some(Traces::start(endpoint)?),
        _ => None,
    };
    logging::start(&config.log, traces.as_ref());
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let done = match cli.command {
        None => serve::run(config, stores, migrate_first).await,
        Some(Command::Serve(args)) => {
            serve::run(config, stores, migrate_first || args.migrate).await
        }
        Some(Command::Migrate(args)) => migrate::run(&args, &config, &stores).await,
        Some(Command::Openapi(args)) => openapi::run(&args),
        Some(Command::Health { url }) => health::run(url.as_deref(), &config).await,
        Some(Command::User(command)) => user::run(command, config, stores).await,
        Some(Command::Worker(_)) => jobs::worker(&config, &stores).await,
        Some(Command::Scheduler(_)) => jobs::scheduler(&config).await,
        Some(Command::Jobs(command)) => jobs::run(command, &config, &stores).await,
        Some(Command::Report { json }) => report::run(json, &config, &stores).await,
        Some(Command::Status { url }) => status::run(url.as_deref(), &config, &stores).await,
        Some(Command::Verify { repair }) => verify::run(repair, &config, &stores).await,
        Some(Command::Copy(args)) => copy::run(&args, &config, &stores).await,
        Some(Command::Backup { file }) => backup::backup(&file, &config, &stores).await,
        Some(Command::Restore { file }) => backup::restore_file(&file, &config, &stores).await,
    };
    if let Some(traces) = traces {
        traces.end().await;
    }
    done
}

fn settings(cli: &Cli) -> Result<Config, ConfigError> {
    let listen = match &cli.command {
        Some(Command::Serve(args)) => args.listen.as_ref().or(cli.serve.listen.as_ref()),
        _ => cli.serve.listen.as_ref(),
    };
    let metrics_listen = match &cli.command {
        Some(Command::Worker(args) | Command::Scheduler(args)) => args.metrics_listen.clone(),
        _ => None,
    };
    let mut sources = Sources::new()
        .flag(Setting::Listen, listen.cloned())
        .flag(Setting::MetricsListen, metrics_listen)
        .flag(Setting::Store, cli.store.clone())
        .environment(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
        .dotenv(Path::new(".env"))?;
    let file = cli
        .config
        .clone()
        .or_else(|| sources.variable(CONFIG_FILE_VARIABLE).map(Into::into));
    if let Some(file) = file {
        sources = sources.file(&file)?;
    }
    Config::read(&sources)
}

/// Whether the store may hold data already: one in a folder does only where there is the folder.
fn may_hold_data(config: &Config, stores: &StoreRegistry) -> bool {
    match stores.residence(&config.store) {
        Some(Residence::Folder(folder)) => folder.exists(),
        _ => true,
    }
}

/// Fails where there is no data yet, for commands that would otherwise create an empty store.
fn require_data(config: &Config, stores: &StoreRegistry) -> Result<(), CliError> {
    if may_hold_data(config, stores) {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "there is no data at {}",
        config.store
    )))
}

/// Opens the store for a command that works beside no server.
async fn open_store(config: &Config, stores: &StoreRegistry) -> Result<Arc<dyn Store>, CliError> {
    Ok(open(stores, config).await?.store)
}

/// Opens the store for a command that imports: it may hold a part of what is to be in it.
async fn open_any_store(
    config: &Config,
    stores: &StoreRegistry,
) -> Result<Arc<dyn Store>, CliError> {
    Ok(open_unfinished(stores, config).await?.store)
}
