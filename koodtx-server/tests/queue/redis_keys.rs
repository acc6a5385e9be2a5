//! What is left behind in Redis.

use std::time::Duration;

use crate::support::{TestHandler, TestRedis, TestWorker, eventually, job, quick, reaches};
use koodtx_server::queue::{JobQueue, JobState, NewJob, QUEUED_MAX_COUNT, QueueSettings};
use redis::AsyncCommands;

/// The keys, without those of records that expire by themselves.
async fn keys(redis: &TestRedis) -> Vec<String> {
    let mut keys: Vec<String> = crate::support::link(redis).await.keys("*").await.unwrap();
    keys.retain(|key| !key.starts_with("koodtx:job:"));
    keys.sort();
    keys
}

/// Runs jobs of all kinds, and waits until the vacuum has come.
async fn round(redis: &TestRedis, queue: &JobQueue) {
    let before = queue.stats().await.unwrap();
    for name in ["echo", "broken", "panic", "flaky", "hang"] {
        let new = NewJob {
            unique: Some(name.to_owned()),
            ..job(name, &[("failures", "1")])
        };
        queue.submit(new).await.unwrap();
    }
    eventually("all ended", async || {
        let now = queue.stats().await.unwrap();
        now.succeeded == before.succeeded + 2 && now.failed == before.failed + 3
    })
    .await;
    let mut link = crate::support::link(redis).await;
    eventually("no data of tasks", async || {
        let left: Vec<String> = link.keys("koodtx:queue:meta:*").await.unwrap();
        let data: usize = link.hlen("koodtx:queue:data").await.unwrap();
        let done: usize = link.scard("koodtx:queue:done").await.unwrap();
        left.is_empty() && data == 0 && done == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_do_not_grow() {
    let redis = TestRedis::start();
    let settings = QueueSettings {
        time_limit: Duration::from_millis(100),
        vacuum_interval: Duration::from_millis(100),
        ..quick()
    };
    let queue = JobQueue::open_redis(&redis.url(), settings).unwrap();
    let handler = TestHandler {
        hangs: true,
        ..TestHandler::default()
    };
    let worker = TestWorker::with(&queue, 2, handler);
    round(&redis, &queue).await;
    let first = keys(&redis).await;
    for _ in 0..3 {
        round(&redis, &queue).await;
    }
    assert_eq!(keys(&redis).await, first);
    let mut link = crate::support::link(&redis).await;
    // All that is left of the jobs themselves goes in time.
    let jobs: Vec<String> = link.keys("koodtx:job:*").await.unwrap();
    assert_eq!(jobs.len(), 4 * 5);
    for key in jobs
        .iter()
        .chain(first.iter().filter(|key| key.contains(":metadata:")))
    {
        let seconds: i64 = link.ttl(key).await.unwrap();
        assert!(
            (1..=24 * 60 * 60).contains(&seconds),
            "{key} lives {seconds} s"
        );
    }
    worker.stop().await;
    println!("{first:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_apalis_has_given_up_has_failed() {
    let redis = TestRedis::start();
    let settings = QueueSettings {
        vacuum_interval: Duration::from_millis(100),
        ..quick()
    };
    let mut link = crate::support::link(&redis).await;
    let () = link.sadd("koodtx:queue:dead", "X").await.unwrap();
    let () = link.hset("koodtx:queue:data", "X", "null").await.unwrap();
    let () = link
        .hset("koodtx:queue:meta:X", "status", "Running")
        .await
        .unwrap();
    let queue = JobQueue::open_redis(&redis.url(), settings).unwrap();
    let id = queue.submit(job("echo", &[])).await.unwrap();
    let () = link
        .zrem("koodtx:queue:scheduled", id.as_str())
        .await
        .unwrap();
    let () = link.sadd("koodtx:queue:dead", id.as_str()).await.unwrap();
    let worker = TestWorker::start(&queue, 1);
    reaches(&queue, &id, JobState::Failed).await;
    eventually("nothing left", async || {
        keys(&redis).await.iter().all(|key| {
            !key.ends_with(":dead") && !key.ends_with(":data") && !key.contains(":meta:")
        })
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_no_job_harms_nobody() {
    let redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let mut link = crate::support::link(&redis).await;
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let () = link
        .hset("koodtx:queue:data", id, r#"{"not":"a job"}"#)
        .await
        .unwrap();
    let meta = [
        ("attempts", "0"),
        ("max_attempts", "9"),
        ("status", "Pending"),
    ];
    let () = link
        .hset_multiple(format!("koodtx:queue:meta:{id}"), &meta)
        .await
        .unwrap();
    let () = link.rpush("koodtx:queue:active", id).await.unwrap();
    queue.submit(job("echo", &[])).await.unwrap();
    let worker = TestWorker::start(&queue, 1);
    eventually("the job", async || {
        queue.stats().await.unwrap().succeeded == 1
    })
    .await;
    assert_eq!(queue.stats().await.unwrap().depth, 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_entry_is_put_back_by_the_next_submit() {
    let redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let new = NewJob {
        unique: Some("key".to_owned()),
        ..job("echo", &[])
    };
    let id = queue.submit(new.clone()).await.unwrap();
    // As if the process had died between record and queue.
    let mut link = crate::support::link(&redis).await;
    let () = link
        .del(&["koodtx:queue:data", "koodtx:queue:scheduled"])
        .await
        .unwrap();
    assert_eq!(queue.stats().await.unwrap().depth, 0);
    assert_eq!(queue.submit(new.clone()).await.unwrap(), id);
    assert_eq!(queue.submit(new.clone()).await.unwrap(), id);
    assert_eq!(queue.stats().await.unwrap().depth, 1);
    // As if the job had vanished, and left its claim behind.
    let () = link.del(format!("koodtx:job:{id}")).await.unwrap();
    assert_ne!(queue.submit(new).await.unwrap(), id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_can_be_worked_off() {
    let redis = TestRedis::start();
    let queue = JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let mut link = crate::support::link(&redis).await;
    // As many as may wait: the moving of all of them is a single call of apalis.
    let mut pipe = redis::pipe();
    for n in 1..QUEUED_MAX_COUNT {
        let id = format!("{n:026}");
        pipe.hset("koodtx:queue:data", &id, "null").ignore();
        let meta = [
            ("attempts", "0"),
            ("max_attempts", "9"),
            ("status", "Pending"),
        ];
        pipe.hset_multiple(format!("koodtx:queue:meta:{id}"), &meta)
            .ignore();
        pipe.zadd("koodtx:queue:scheduled", &id, 1).ignore();
    }
    let () = pipe.query_async(&mut link).await.unwrap();
    queue.submit(job("echo", &[])).await.unwrap();
    let full = queue.submit(job("echo", &[])).await;
    assert_eq!(full, Err(koodtx_server::queue::QueueError::Full));
    let worker = TestWorker::start(&queue, 8);
    eventually("fewer", async || {
        queue.stats().await.unwrap().depth < QUEUED_MAX_COUNT - 100
    })
    .await;
    worker.stop().await;
}
