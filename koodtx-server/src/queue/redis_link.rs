//! The connection to Redis.

use std::future::Future;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

use super::error::QueueError;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long Redis may take to answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one request may take in all, with connecting again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How often connecting is tried again within a request.
const CONNECT_RETRIES: usize = 1;

/// A connection that is made when it is first needed, and again when it broke.
pub(super) fn connect(url: &str) -> Result<ConnectionManager, QueueError> {
    let client = Client::open(url).map_err(|e| QueueError::url(&e))?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(CONNECT_RETRIES);
    ConnectionManager::new_lazy_with_config(client, config).map_err(|e| QueueError::url(&e))
}

/// The answer to a request, or that there was none in time.
pub(super) async fn answer<T>(
    request: impl Future<Output = RedisResult<T>>,
) -> Result<T, QueueError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(QueueError::Unavailable("no answer in time".to_owned())),
    }
}
