//! The HTTP load generator: many devices that push, against any running server.
//!
//! Light on the processor, which it usually shares with the server: bodies are written before the
//! clock starts, and only ids, times and digits are changed in place between two requests.

mod client;
mod disk;
mod error;
mod options;
mod process;
mod report;
mod source;
mod worker;

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub use error::LoadError;
pub use options::{DigitsArg, Form, LoadOptions, Mode};
pub use report::Report;

use client::{Api, Login};
use disk::disk_bytes;
use process::{Process, Usage};
use report::Measured;
use source::Source;
use worker::{Tally, Worker};

/// Runs the load that the options describe, and says what came of it.
///
/// # Errors
/// When the run cannot begin: the URL is not served, the account is refused, the process or the
/// folder cannot be looked at. Failures of single requests are counted in the report instead.
pub async fn run(options: &LoadOptions) -> Result<Report, LoadError> {
    options.check()?;
    let mut workers = prepare(options).await?;

    let server = options.server_pid.map(Process::of).transpose()?;
    let before = Snapshot::take(options, server.as_ref())?;
    let start = Instant::now();
    let deadline = start + Duration::from_secs(options.seconds);
    let mut running = JoinSet::new();
    for worker in workers.drain(..) {
        running.spawn(worker.run(deadline));
    }
    let mut tally = Tally::default();
    for one in running.join_all().await {
        tally.add(one);
    }
    let elapsed = start.elapsed();
    let after = Snapshot::take(options, server.as_ref())?;
    Ok(Report::new(
        options,
        tally,
        &Measured {
            elapsed,
            before,
            after,
        },
    ))
}

/// Signs in, opens the connections, writes the bodies, and pushes what has to be there before.
async fn prepare(options: &LoadOptions) -> Result<Vec<Worker>, LoadError> {
    let mut logins: Vec<Login> = Vec::new();
    for _ in 0..options.users_count() {
        logins.push(
            Api::connect(&options.url, options.form)?
                .sign_in(options)
                .await?,
        );
    }
    let mut preparing = JoinSet::new();
    for number in 0..options.connections {
        let api = Api::connect(&options.url, options.form)?;
        let login = logins[number % logins.len()].clone();
        let source = Source::new(options, number as u64);
        preparing.spawn(Worker::prepare(api, login, source));
    }
    preparing.join_all().await.into_iter().collect()
}

/// What can be seen of the machine at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    /// Of the server, where its process is known.
    server: Option<Usage>,
    /// Of the load generator itself.
    own: Option<Usage>,
    /// Bytes in the data folder, where it is known.
    disk_bytes: Option<u64>,
}

impl Snapshot {
    fn take(options: &LoadOptions, server: Option<&Process>) -> Result<Self, LoadError> {
        Ok(Self {
            server: server.map(Process::usage).transpose()?,
            // Nobody asked for it, so where there is no /proc it is left out.
            own: Process::own().usage().ok(),
            disk_bytes: options.data_dir.as_deref().map(disk_bytes).transpose()?,
        })
    }
}
