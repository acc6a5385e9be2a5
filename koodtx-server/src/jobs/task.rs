//! The tasks that there are.

use std::fmt;
use std::str::FromStr;

/// A kind of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Analyses one session, or submits that for all whose analysis is missing or behind.
    Analyse,
    /// Removes the samples of old sessions.
    PurgeSamples,
    /// Removes old entries of the sync log.
    PurgeLogs,
    /// Removes old export files, and parts of files that were never finished.
    PurgeExports,
    /// Ends sessions whose devices have been silent for long.
    CloseSessions,
    /// Removes what deleted accounts have left behind.
    EraseAccounts,
    /// Tidies the store up.
    Optimise,
    /// Adds up what there is.
    Report,
    /// Writes a session into a file.
    ExportSession,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Analyse,
        Self::PurgeSamples,
        Self::PurgeLogs,
        Self::PurgeExports,
        Self::CloseSessions,
        Self::EraseAccounts,
        Self::Optimise,
        Self::Report,
        Self::ExportSession,
    ];

    /// Its name, on the command line and in the queue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analyse => "analyse",
            Self::PurgeSamples => "purge-samples",
            Self::PurgeLogs => "purge-logs",
            Self::PurgeExports => "purge-exports",
            Self::CloseSessions => "close-sessions",
            Self::EraseAccounts => "erase-accounts",
            Self::Optimise => "optimise",
            Self::Report => "report",
            Self::ExportSession => "export-session",
        }
    }

    /// What it does, for who looks at a list.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Analyse => "analyse sessions that have ended (or --arg user=ID --arg session=ID)",
            Self::PurgeSamples => "remove the samples of sessions past the retention time",
            Self::PurgeLogs => "remove old entries of the sync log",
            Self::PurgeExports => "remove old export files, and unfinished ones",
            Self::CloseSessions => "end sessions whose devices have been silent for long",
            Self::EraseAccounts => "remove what deleted accounts have left behind",
            Self::Optimise => "tidy the store up",
            Self::Report => "add up what there is and what tasks did last",
            Self::ExportSession => {
                "write a session into a file: --arg user=ID --arg session=ID --arg format=csv|ndjson|parquet"
            }
        }
    }

    /// The names of what it may be told, apart from `dry-run`.
    pub(super) const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Analyse => &["user", "session"],
            Self::ExportSession => &["user", "session", "format"],
            _ => &[],
        }
    }

    /// When it is due where the operator says nothing, as a cron expression in UTC.
    pub const fn default_schedule(self) -> Option<&'static str> {
        match self {
            Self::Analyse => Some("*/10 * * * *"),
            Self::PurgeSamples => Some("0 3 * * *"),
            Self::PurgeLogs => Some("0 2 * * SUN"),
            Self::PurgeExports => Some("30 3 * * *"),
            Self::CloseSessions => Some("15 * * * *"),
            Self::EraseAccounts => Some("45 * * * *"),
            Self::Optimise => Some("0 4 * * SUN"),
            Self::Report => Some("0 6 * * *"),
            Self::ExportSession => None,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name is no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no task `{name}`; there are {}", Task::ALL.map(Task::name).join(", "))]
pub struct TaskNameError {
    name: String,
}

impl FromStr for Task {
    type Err = TaskNameError;

    fn from_str(name: &str) -> Result<Self, TaskNameError> {
        let mut all = Self::ALL.into_iter();
        all.find(|task| task.name() == name)
            .ok_or_else(|| TaskNameError {
                name: name.to_owned(),
            })
    }
}
