//! Jobs that are due again and again.

use std::time::Duration;

use crate::support::{TestRedis, TestWorker, eventually, job, quick};
use koodtx_server::queue::{JobQueue, JobState, NewJob, QueueSettings, ScheduledJob};
use redis::AsyncCommands;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Starts so many schedulers with the same schedule; they stop with the sender.
fn schedulers(
    queues: &[JobQueue],
    schedule: &[ScheduledJob],
) -> (watch::Sender<()>, Vec<JoinHandle<()>>) {
    let (stop, stopped) = watch::channel(());
    let start = |queue: &JobQueue| {
        let (queue, schedule) = (queue.clone(), schedule.to_vec());
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.changed().await;
            };
            queue.run_scheduler(schedule, shutdown).await;
        })
    };
    let tasks = queues.iter().map(start).collect();
    (stop, tasks)
}

fn every_second(job: NewJob) -> ScheduledJob {
    ScheduledJob {
        cron: "* * * * * *".parse().unwrap(),
        job,
    }
}

/// The second of a tick, from the name of its key.
fn tick_second(key: &str) -> i64 {
    let (_, due) = key.trim_end_matches(']').rsplit_once(',').unwrap();
    let due: i64 = due.parse().unwrap();
    assert_eq!(due % 1_000_000, 0);
    due / 1_000_000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schedulers_run_each_tick_once() {
    let mut redis = TestRedis::start();
    let open = || JobQueue::open_redis(&redis.url(), quick()).unwrap();
    let queues = [open(), open(), open()];
    let queue = &queues[0];
    let worker = TestWorker::start(queue, 2);
    let (stop, tasks) = schedulers(&queues, &[every_second(job("echo", &[]))]);
    let start = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Redis may go away in the meantime.
    redis.stop();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    redis.resume();
    eventually("an answer", async || queue.ping().await.is_ok()).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    drop(stop);
    for task in tasks {
        task.await.unwrap();
    }
    let ticks = start.elapsed().as_secs() as usize;
    eventually("all done", async || {
        let stats = queue.stats().await.unwrap();
        stats.queued + stats.running == 0
    })
    .await;
    let submitted = queue.recent(1000).await.unwrap();
    // Each tick that ran holds its key: one for each job, and none is missing.
    let keys: Vec<String> = crate::support::link(&redis)
        .await
        .keys("koodtx:claim:tick:*")
        .await
        .unwrap();
    let mut seconds: Vec<i64> = keys.iter().map(|key| tick_second(key)).collect();
    seconds.sort_unstable();
    assert_eq!(seconds.len(), submitted.len());
    assert!(
        seconds.windows(2).all(|pair| pair[1] - pair[0] == 1),
        "{seconds:?}"
    );
    assert!(
        (ticks - 1..=ticks + 1).contains(&submitted.len()),
        "{ticks} {}",
        submitted.len()
    );
    assert!(
        submitted
            .iter()
            .all(|record| record.state == JobState::Succeeded)
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_scheduler_without_a_schedule_runs_until_the_shutdown() {
    let queue = JobQueue::open_memory(quick());
    let forever = queue.run_scheduler(Vec::new(), std::future::pending());
    assert!(
        tokio::time::timeout(Duration::from_millis(100), forever)
            .await
            .is_err()
    );
    queue
        .run_scheduler(Vec::new(), std::future::ready(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_as_well() {
    let queue = JobQueue::open_memory(quick());
    let queues = [queue.clone(), queue.clone()];
    let other = every_second(job("echo", &[("say", "other")]));
    let schedule = [every_second(job("echo", &[])), other];
    let (stop, tasks) = schedulers(&queues, &schedule);
    let start = std::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    drop(stop);
    for task in tasks {
        task.await.unwrap();
    }
    let ticks = start.elapsed().as_secs() as usize;
    let count = queue.recent(1000).await.unwrap().len();
    assert!(
        (2 * (ticks - 1)..=2 * (ticks + 1)).contains(&count),
        "{ticks} {count}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unique_job_is_not_scheduled_while_it_waits() {
    let redis = TestRedis::start();
    let queues = [
        JobQueue::open_memory(quick()),
        JobQueue::open_redis(&redis.url(), quick()).unwrap(),
    ];
    for queue in queues {
        let new = NewJob {
            unique: Some("key".to_owned()),
            ..job("echo", &[])
        };
        let (stop, tasks) = schedulers(std::slice::from_ref(&queue), &[every_second(new)]);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(queue.stats().await.unwrap().queued, 1);
        // Once it is done, the next tick counts.
        let worker = TestWorker::start(&queue, 1);
        eventually("three of them", async || {
            queue.stats().await.unwrap().succeeded >= 3
        })
        .await;
        drop(stop);
        for task in tasks {
            task.await.unwrap();
        }
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_offered_a_tick_again() {
    let queue = JobQueue::open_memory(QueueSettings {
        queue_limit: 1,
        ..quick()
    });
    queue
        .submit(job("echo", &[("say", "in the way")]))
        .await
        .unwrap();
    let (stop, tasks) = schedulers(
        std::slice::from_ref(&queue),
        &[every_second(job("echo", &[]))],
    );
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let worker = TestWorker::start(&queue, 1);
    // The ticks that were missed come as well.
    eventually("three of them", async || {
        queue.stats().await.unwrap().succeeded >= 3
    })
    .await;
    drop(stop);
    for task in tasks {
        task.await.unwrap();
    }
    worker.stop().await;
}
