//! What the tests share.

mod queues;
mod redis_server;
mod worker;

pub(crate) use queues::both;
pub use queues::{Queue, memory, redis};
pub use redis_server::TestRedis;
pub use worker::{TestHandler, TestWorker};

use std::time::Duration;

use koodtx_server::queue::{JobId, JobQueue, JobRecord, JobState, NewJob, QueueSettings};

/// How long anything may take, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Settings under which a test does not take long.
pub fn quick() -> QueueSettings {
    QueueSettings {
        backoff_base: Duration::from_millis(20),
        heartbeat: Duration::from_secs(1),
        missed_heartbeats: 2,
        poll_interval: Duration::from_millis(20),
        grace: Duration::from_secs(20),
        ..QueueSettings::default()
    }
}

/// A job with arguments.
pub fn job(name: &str, args: &[(&str, &str)]) -> NewJob {
    let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    NewJob {
        name: name.to_owned(),
        args: args.collect(),
        ..NewJob::default()
    }
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, wait).await;
    assert!(done.is_ok(), "not in time: {what}");
}

/// Waits until a job is in a state; answers its record.
pub async fn reaches(queue: &JobQueue, id: &JobId, state: JobState) -> JobRecord {
    let is_there = async || match queue.job(id).await {
        Ok(Some(record)) => record.state == state,
        _ => false,
    };
    eventually(&format!("job {id} {}", state.as_str()), is_there).await;
    queue.job(id).await.unwrap().unwrap()
}

/// A connection to look behind the scenes.
pub async fn link(redis: &TestRedis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}
