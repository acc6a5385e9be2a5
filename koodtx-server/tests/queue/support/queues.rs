//! Queues of both kinds, for tests of what they have in common.

use koodtx_server::queue::{JobQueue, QueueSettings};

use super::TestRedis;

/// A queue of one kind, with what it needs.
pub struct Queue {
    /// The queue.
    pub queue: JobQueue,
    /// Where it is, if it is in Redis.
    pub server: Option<TestRedis>,
}

/// One in memory.
pub fn memory(settings: QueueSettings) -> Queue {
    Queue {
        queue: JobQueue::open_memory(settings),
        server: None,
    }
}

/// One in a Redis of its own.
pub fn redis(settings: QueueSettings) -> Queue {
    let redis = TestRedis::start();
    Queue {
        queue: JobQueue::open_redis(&redis.url(), settings).unwrap(),
        server: Some(redis),
    }
}

/// Runs each test with both kinds of queue.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::memory).await; })*
        }
        mod inredis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::redis).await; })*
        }
    };
}
pub(crate) use both;
