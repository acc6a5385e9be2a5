//! What can be wrong with a backup file.

use std::io;

use koodtx_core::store::StoreError;

/// Why a file is no whole backup.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It begins otherwise than a backup.
    #[error("it is no backup of KooDTX")]
    Foreign,
    /// A newer release wrote it.
    #[error(
        "it has version {found} of the format, and this release reads up to {known}: upgrade KooDTX"
    )]
    Newer {
        /// The version of the file.
        found: u16,
        /// The newest version that can be read.
        known: u16,
    },
    /// It ends before its end.
    #[error("it is truncated: its end is missing")]
    Truncated,
    /// Something in it is not what was written.
    #[error("it is damaged: frame {frame}: {reason}")]
    Damaged {
        /// The frame, from 0.
        frame: u32,
        /// What is wrong.
        reason: String,
    },
}

/// Why a backup or a restore ended early.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Because of the file.
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    /// Because of the store.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        Self::Archive(error.into())
    }
}
