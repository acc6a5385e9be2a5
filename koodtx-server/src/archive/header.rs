//! What a backup says of itself.

use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a backup begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveHeader {
    /// Names this backup, so that a restore that broke off goes on with the same one.
    pub id: Uuid,
    /// When it was begun.
    pub created_at: Timestamp,
    /// The kind of store that it was made of, like `sled`.
    pub store: String,
}
