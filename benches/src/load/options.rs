//! What an operator may choose.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use koodtx_core::limits::PUSH_RECORDS_MAX_COUNT;

use super::LoadError;
use crate::workload::Digits;

/// Longest run, in seconds: an access token lives for an hour, and the run does not renew it.
const RUN_MAX_SECONDS: i64 = 3_000;
const CONNECTIONS_MAX_COUNT: i64 = 4_096;

/// What the pushes find stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Every sample is new: recordings that go on and on.
    #[default]
    Fresh,
    /// The same pushes again and again: devices that never got the answer.
    Retry,
    /// The same samples with other values each time: every one replaces what is stored.
    Conflict,
}

/// How readings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DigitsArg {
    /// Rounded to 4 to 6 places.
    #[default]
    Decimal,
    /// Single-precision readings with all the digits of their doubles.
    Single,
}

impl From<DigitsArg> for Digits {
    fn from(digits: DigitsArg) -> Self {
        match digits {
            DigitsArg::Decimal => Self::Decimal,
            DigitsArg::Single => Self::Single,
        }
    }
}

/// How bodies are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The documented form: samples one by one.
    #[default]
    Records,
    /// The columnar form: the values of a field in one list.
    Columns,
}

impl Form {
    /// The media type of its bodies.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Records => "application/json",
            Self::Columns => "application/vnd.koodtx.columns+json",
        }
    }
}

/// Options of a run.
#[derive(Clone, Args)]
pub struct LoadOptions {
    /// Where the server listens (http only; behind TLS, name the port that the proxy talks to).
    #[arg(long, default_value = "http://127.0.0.1:5000")]
    pub url: String,

    /// Devices that push at the same time, each on a connection of its own.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = counted(CONNECTIONS_MAX_COUNT))]
    pub connections: usize,

    /// Samples in one push.
    #[arg(long, default_value_t = 5_000, value_name = "M", value_parser = counted(PUSH_RECORDS_MAX_COUNT as i64))]
    pub batch: usize,

    /// How long to push, in seconds.
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=RUN_MAX_SECONDS as u64))]
    pub seconds: u64,

    /// What the pushes find stored.
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,

    /// How readings are printed.
    #[arg(long, value_enum, default_value_t)]
    pub digits: DigitsArg,

    /// How bodies are written.
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,

    /// Samples after which a device goes on in a new session (fresh mode). An hour has 1,083,600.
    #[arg(long, default_value_t = 1_083_600, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    pub session_samples: u64,

    /// Throw-away accounts to register; the connections share them in turn. Default: one for each
    /// connection. A server limits how many it registers a minute; the run waits as long as it says.
    #[arg(long, value_name = "N", conflicts_with = "username", value_parser = counted(CONNECTIONS_MAX_COUNT))]
    pub users: Option<usize>,

    /// Sign in with this account instead, for all connections.
    #[arg(long, value_name = "NAME", requires = "password")]
    pub username: Option<String>,

    /// Password of the account; better given in the environment than on the command line.
    #[arg(
        long,
        value_name = "TEXT",
        env = "KOODTX_LOAD_PASSWORD",
        hide_env_values = true
    )]
    pub password: Option<String>,

    /// Process of the server on this machine: adds processor time, memory and bytes written.
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// Folder of the server's store on this machine: adds bytes on disk for each sample.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// A parser of counts from 1 to `max`.
fn counted(max: i64) -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser;
    clap::value_parser!(u64)
        .range(1..=max.unsigned_abs())
        .map(|count| count as usize)
}

impl fmt::Debug for LoadOptions {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("url", &self.url)
            .field("connections", &self.connections)
            .field("batch", &self.batch)
            .field("seconds", &self.seconds)
            .field("mode", &self.mode)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl LoadOptions {
    /// Checks what the parser of the command line cannot.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        if self.url.starts_with("http://") {
            Ok(())
        } else {
            Err(LoadError::Options(format!(
                "--url has to begin with http://, not {:?}",
                self.url
            )))
        }
    }

    /// Accounts that the run signs in to.
    pub(super) fn users_count(&self) -> usize {
        match &self.username {
            Some(_) => 1,
            None => self.users.unwrap_or(self.connections).min(self.connections),
        }
    }
}
