//! The HTTP load generator: many devices that push, against any running server.
//!
//! Light on the processor, which it usually shares with the server: bodies are written before the
//! clock starts, and only ids, times and digits are changed in place while the answer is awaited.

mod client;
mod disk;
mod endpoint;
mod error;
mod fleet;
mod options;
mod process;
mod report;
mod source;
mod worker;

use std::time::Duration;

pub use error::LoadError;
pub use options::{DigitsArg, Form, LoadOptions, Mode};
pub use report::Report;

pub(crate) use client::{Api, Login, one_connection};
pub(crate) use endpoint::Endpoint;
pub(crate) use fleet::{Fleet, Run};
pub(crate) use process::{Process, Usage};
pub(crate) use source::Source;

use disk::disk_bytes;
use report::Measured;

/// Runs the load that the options describe, and says what came of it.
///
/// # Errors
/// When the run cannot begin: the URL is not served, the account is refused, the process or the
/// folder cannot be looked at. Failures of single requests are counted in the report instead.
pub async fn run(options: &LoadOptions) -> Result<Report, LoadError> {
    let mut fleet = Fleet::prepare(options).await?;
    let server = options.server_pid.map(Process::of).transpose()?;
    let before = Snapshot::take(options, server.as_ref())?;
    let run = fleet.push_for(Duration::from_secs(options.seconds)).await;
    let after = Snapshot::take(options, server.as_ref())?;
    Ok(Report::new(
        options,
        run.tally,
        &Measured {
            elapsed: run.elapsed,
            before,
            after,
        },
    ))
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
