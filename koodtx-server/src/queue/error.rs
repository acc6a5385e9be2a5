//! Why the queue did not do as asked.

use redis::RedisError;

/// Why the queue did not do as asked.
///
/// No error holds the address of the queue, which may carry a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Too many jobs wait already.
    #[error("the queue is full; try again later")]
    Full,
    /// The queue cannot be reached now.
    #[error("the queue cannot be reached: {0}")]
    Unavailable(String),
    /// The address is no usable Redis URL.
    #[error("not a usable Redis URL ({0}); use redis://[user:password@]host[:port][/database]")]
    Url(String),
    /// What the queue holds is not what was put there.
    #[error("the queue holds something unreadable: {0}")]
    Unreadable(String),
}

impl QueueError {
    /// A URL that the client refuses.
    pub(super) fn url(error: &RedisError) -> Self {
        Self::Url(error.category().to_owned())
    }

    /// A record that does not parse.
    pub(super) fn unreadable(error: &serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<RedisError> for QueueError {
    /// Keeps only what the client says about the kind of error, since its details
    /// quote what was sent.
    fn from(error: RedisError) -> Self {
        let kind = error.category();
        Self::Unavailable(match error.code() {
            Some(code) => format!("{kind} ({code})"),
            None => kind.to_owned(),
        })
    }
}
