//! Why a run could not begin or end.

use std::path::PathBuf;

/// Why a run could not begin or end. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Options that do not fit together.
    #[error("{0}")]
    Options(String),
    /// The server does not answer.
    #[error("{url} does not answer ({source}); start the server, or name another with --url")]
    Unreachable {
        /// What was called.
        url: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// The server refused what every run needs.
    #[error("the server refused to {action} with status {status}: {message}")]
    Refused {
        /// What was asked for.
        action: &'static str,
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The server answered with something else than the protocol says.
    #[error(
        "{url} answered {action} with something that is no answer of a KooDTX server: {source}"
    )]
    Answer {
        /// What was called.
        url: String,
        /// What was asked for.
        action: &'static str,
        /// What is wrong with it.
        source: reqwest::Error,
    },
    /// A process cannot be looked at.
    #[error(
        "process {pid} cannot be looked at ({reason}); --server-pid works on Linux, for a running \
         process of your own"
    )]
    Process {
        /// The process.
        pid: String,
        /// Why.
        reason: String,
    },
    /// A folder cannot be read.
    #[error("{path} cannot be read ({source}); --data-dir names the folder of the server's store")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
