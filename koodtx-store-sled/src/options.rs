//! Settings of the store.

/// Memory for pages, where nobody says otherwise, in bytes.
const CACHE_DEFAULT_BYTES: u64 = 32 * 1024 * 1024;

/// Below this sled does not work, in bytes.
pub(crate) const CACHE_MIN_BYTES: u64 = 1024 * 1024;

/// Settings of a [`SledStore`](crate::SledStore). The default serves a small server well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// About how many bytes of memory the database uses for pages it has read. Default: 32 MiB,
    /// at least 1 MiB.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: CACHE_DEFAULT_BYTES,
        }
    }
}
