//! A Redis that is away for a while.

use std::time::{Duration, Instant};

use crate::support::{TestRedis, TestWorker, eventually, job, quick, reaches};
use koodtx_server::queue::{JobQueue, JobState, QueueError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_between_submit_and_run() {
    let mut redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(queue.submit(job("echo", &[])).await.unwrap());
    }
    redis.stop();
    redis.resume();
    let worker = TestWorker::start(&queue, 2);
    for id in &ids {
        reaches(&queue, id, JobState::Succeeded).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_in_the_middle() {
    let mut redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let workers = [TestWorker::start(&queue, 2), TestWorker::start(&queue, 2)];
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(queue.submit(job("sleep", &[("ms", "100")])).await.unwrap());
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        redis.stop();
        tokio::time::sleep(Duration::from_millis(700)).await;
        redis.resume();
    }
    for id in &ids {
        reaches(&queue, id, JobState::Succeeded).await;
    }
    eventually("nothing in flight", async || {
        queue
            .stats()
            .await
            .is_ok_and(|stats| stats.depth == 0 && stats.running == 0)
    })
    .await;
    for worker in workers {
        assert!(worker.is_running());
        let (_, most) = *worker.handler.running.lock();
        assert!(most <= 2, "{most} jobs at a time");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_waits_for_redis_to_appear() {
    let mut redis = TestRedis::start();
    redis.stop();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let worker = TestWorker::start(&queue, 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(worker.is_running());
    redis.resume();
    eventually("an answer", async || queue.ping().await.is_ok()).await;
    let id = queue.submit(job("echo", &[])).await.unwrap();
    reaches(&queue, &id, JobState::Succeeded).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_there_is_an_error_soon() {
    let mut redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let id = queue.submit(job("echo", &[])).await.unwrap();
    redis.stop();
    for _ in 0..3 {
        let start = Instant::now();
        let submitted = queue.submit(job("echo", &[])).await;
        assert!(
            matches!(submitted, Err(QueueError::Unavailable(_))),
            "{submitted:?}"
        );
        assert!(matches!(
            queue.ping().await,
            Err(QueueError::Unavailable(_))
        ));
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert!(queue.job(&id).await.is_err());
    assert!(queue.stats().await.is_err());
    assert!(queue.recent(1).await.is_err());
    // A worker that never gets to work can be stopped nevertheless.
    TestWorker::start(&queue, 1).stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_says_nothing_is_an_error_soon() {
    // Takes connections, answers nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}/", silent.local_addr().unwrap());
    let queue = JobQueue::open_redis(&url, quick()).unwrap();
    let start = Instant::now();
    let submitted = queue.submit(job("echo", &[])).await;
    assert!(
        matches!(submitted, Err(QueueError::Unavailable(_))),
        "{submitted:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn passwords_stay_secret() {
    let mut redis = TestRedis::start();
    let url = redis.url().replace("redis://", "redis://user:geheim@");
    let queue = JobQueue::open_redis(&url, quick()).unwrap();
    let refused = queue.submit(job("echo", &[])).await.unwrap_err();
    redis.stop();
    let absent = queue.ping().await.unwrap_err();
    let bad = JobQueue::open_redis("nonsense://user:geheim@host", quick()).unwrap_err();
    let worse = JobQueue::open_redis("redis://user:geheim@host:port", quick()).unwrap_err();
    let said = format!("{queue:?} {refused} {refused:?} {absent} {absent:?} {bad} {bad:?} {worse}");
    assert!(!said.contains("geheim"), "{said}");
    assert!(matches!(bad, QueueError::Url(_)), "{bad:?}");
}
