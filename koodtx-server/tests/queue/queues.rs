//! What a queue and its workers do, in memory and in Redis alike.

use std::time::Duration;

use crate::support::{Queue, TestWorker, both, eventually, job, quick, reaches};
use koodtx_server::queue::{JobState, NewJob, QueueError, QueueSettings};

both!(
    is_bounded,
    unique_jobs,
    results_expire,
    graceful_shutdown,
    shutdown_within_grace,
    shutdown_in_a_back_off,
    concurrency,
    lists_and_counts,
);

async fn is_bounded(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(QueueSettings {
        queue_limit: 2,
        ..quick()
    });
    for _ in 0..2 {
        queue.submit(job("echo", &[])).await.unwrap();
    }
    let unique = NewJob {
        unique: Some("key".to_owned()),
        ..job("echo", &[])
    };
    assert_eq!(queue.submit(unique.clone()).await, Err(QueueError::Full));
    assert_eq!(queue.stats().await.unwrap().depth, 2);
    assert_eq!(queue.recent(9).await.unwrap().len(), 2);
    let worker = TestWorker::start(&queue, 1);
    eventually("an empty queue", async || {
        queue.stats().await.unwrap().succeeded == 2
    })
    .await;
    // The job that was refused does not hold its key.
    let id = queue.submit(unique).await.unwrap();
    reaches(&queue, &id, JobState::Succeeded).await;
    worker.stop().await;
}

async fn unique_jobs(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let new = NewJob {
        unique: Some("sync 1".to_owned()),
        ..job("sleep", &[("ms", "300")])
    };
    let first = queue.submit(new.clone()).await.unwrap();
    assert_eq!(queue.submit(new.clone()).await.unwrap(), first);
    let worker = TestWorker::start(&queue, 2);
    reaches(&queue, &first, JobState::Running).await;
    assert_eq!(queue.submit(new.clone()).await.unwrap(), first);
    reaches(&queue, &first, JobState::Succeeded).await;
    let second = queue.submit(new).await.unwrap();
    assert_ne!(first, second);
    reaches(&queue, &second, JobState::Succeeded).await;
    assert_eq!(worker.handler.total(), 2);
    worker.stop().await;
}

async fn results_expire(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(QueueSettings {
        keep_results: Duration::from_secs(2),
        ..quick()
    });
    let worker = TestWorker::start(&queue, 1);
    let id = queue.submit(job("echo", &[])).await.unwrap();
    reaches(&queue, &id, JobState::Succeeded).await;
    eventually("no record", async || {
        queue.job(&id).await.unwrap().is_none()
    })
    .await;
    assert_eq!(queue.recent(9).await.unwrap(), []);
    eventually("no count", async || {
        queue.stats().await.unwrap().succeeded == 0
    })
    .await;
    worker.stop().await;
}

async fn graceful_shutdown(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let worker = TestWorker::start(&queue, 1);
    let running = queue.submit(job("sleep", &[("ms", "1000")])).await.unwrap();
    reaches(&queue, &running, JobState::Running).await;
    let waiting = queue.submit(job("echo", &[])).await.unwrap();
    worker.stop().await;
    let record = queue.job(&running).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (JobState::Succeeded, 1));
    let record = queue.job(&waiting).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (JobState::Queued, 0));
    // Somebody else does it.
    let worker = TestWorker::start(&queue, 1);
    reaches(&queue, &waiting, JobState::Succeeded).await;
    worker.stop().await;
}

async fn shutdown_within_grace(open: fn(QueueSettings) -> Queue) {
    let Queue { queue, server } = open(QueueSettings {
        grace: Duration::from_millis(200),
        ..quick()
    });
    let handler = crate::support::TestHandler {
        hangs: true,
        ..crate::support::TestHandler::default()
    };
    let worker = TestWorker::with(&queue, 1, handler);
    let id = queue.submit(job("hang", &[])).await.unwrap();
    reaches(&queue, &id, JobState::Running).await;
    worker.stop().await;
    let worker = TestWorker::start(&queue, 1);
    if server.is_some() {
        // Left to the next worker.
        let record = reaches(&queue, &id, JobState::Succeeded).await;
        assert_eq!(record.attempts, 2);
    } else {
        let record = reaches(&queue, &id, JobState::Failed).await;
        assert_eq!(
            record.error.as_deref(),
            Some("the server stopped before the job was done")
        );
    }
    worker.stop().await;
}

async fn shutdown_in_a_back_off(open: fn(QueueSettings) -> Queue) {
    let Queue { queue, server } = open(QueueSettings {
        backoff_base: Duration::from_millis(500),
        ..quick()
    });
    let worker = TestWorker::start(&queue, 1);
    let id = queue
        .submit(job("flaky", &[("failures", "2")]))
        .await
        .unwrap();
    eventually("a failure", async || {
        queue.job(&id).await.unwrap().unwrap().error.is_some()
    })
    .await;
    worker.stop().await;
    if server.is_none() {
        reaches(&queue, &id, JobState::Failed).await;
    } else {
        // The other attempts are up to the next worker.
        let record = queue.job(&id).await.unwrap().unwrap();
        assert_eq!(record.state, JobState::Queued);
        let worker = TestWorker::start(&queue, 1);
        reaches(&queue, &id, JobState::Failed).await;
        worker.stop().await;
    }
}

async fn concurrency(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(queue.submit(job("sleep", &[("ms", "150")])).await.unwrap());
    }
    let worker = TestWorker::start(&queue, 3);
    let mut most_taken = 0;
    eventually("all done", async || {
        let stats = queue.stats().await.unwrap();
        most_taken = most_taken.max(9 - stats.depth - stats.succeeded);
        stats.succeeded == 9
    })
    .await;
    let most_running = worker.handler.running.lock().1;
    assert_eq!(most_running, 3);
    // None is taken before it can be run (nor counted before it was acknowledged).
    assert!(most_taken <= 3 + 1, "{most_taken} taken at a time");
    worker.stop().await;
}

async fn lists_and_counts(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let mut ids = Vec::new();
    for name in ["echo", "broken", "echo"] {
        ids.push(queue.submit(job(name, &[])).await.unwrap());
    }
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.queued, stats.depth), (3, 3));
    let worker = TestWorker::start(&queue, 1);
    for id in &ids {
        eventually("all done", async || {
            queue.job(id).await.unwrap().unwrap().state.is_final()
        })
        .await;
    }
    let stats = queue.stats().await.unwrap();
    assert_eq!((stats.queued, stats.running, stats.depth), (0, 0, 0));
    assert_eq!((stats.succeeded, stats.failed), (2, 1));
    let recent = queue.recent(2).await.unwrap();
    let newest: Vec<_> = recent.into_iter().map(|record| record.job_id).collect();
    assert_eq!(newest, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(queue.recent(0).await.unwrap(), []);
    worker.stop().await;
}
