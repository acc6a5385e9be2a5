//! What becomes of a job, in memory and in Redis alike.

use std::time::Duration;

use crate::support::{Queue, TestWorker, both, job, quick, reaches};
use koodtx_server::queue::{JobState, NewJob, QueueSettings};

both!(
    success,
    retries_with_back_off,
    gives_up,
    permanent_error,
    time_limit,
    panics,
);

async fn success(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    queue.ping().await.unwrap();
    let new = NewJob {
        owner: Some(7),
        ..job("echo", &[("say", "hello")])
    };
    let id = queue.submit(new).await.unwrap();
    let record = queue.job(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (JobState::Queued, 0));
    assert_eq!(record.owner, Some(7));
    let worker = TestWorker::start(&queue, 1);
    let record = reaches(&queue, &id, JobState::Succeeded).await;
    assert_eq!(record.result, Some(serde_json::json!({ "said": "hello" })));
    assert_eq!((record.attempts, record.error), (1, None));
    assert!(record.created_at <= record.started_at.unwrap());
    assert!(record.started_at <= record.finished_at);
    assert_eq!(queue.job(&"unknown".into()).await.unwrap(), None);
    worker.stop().await;
}

async fn retries_with_back_off(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(QueueSettings {
        backoff_base: Duration::from_millis(200),
        ..quick()
    });
    let worker = TestWorker::start(&queue, 1);
    let id = queue
        .submit(job("flaky", &[("failures", "2")]))
        .await
        .unwrap();
    let record = reaches(&queue, &id, JobState::Succeeded).await;
    assert_eq!((record.attempts, record.error), (3, None));
    assert_eq!(record.result, Some(serde_json::json!([])));
    // 200 ms and then 400 ms, and never less than that.
    assert!(record.started_at.unwrap() - record.created_at >= 600_000);
    worker.stop().await;
}

async fn gives_up(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let worker = TestWorker::start(&queue, 1);
    let id = queue
        .submit(job("flaky", &[("failures", "9")]))
        .await
        .unwrap();
    let record = reaches(&queue, &id, JobState::Failed).await;
    assert_eq!(
        (record.attempts, record.error.as_deref()),
        (3, Some("failure 3"))
    );
    // The worker is still good for something.
    let id = queue.submit(job("echo", &[])).await.unwrap();
    reaches(&queue, &id, JobState::Succeeded).await;
    assert_eq!(worker.handler.total(), 4);
    worker.stop().await;
}

async fn permanent_error(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let worker = TestWorker::start(&queue, 1);
    let id = queue.submit(job("broken", &[])).await.unwrap();
    let record = reaches(&queue, &id, JobState::Failed).await;
    assert_eq!(
        (record.attempts, record.error.as_deref()),
        (1, Some("broken"))
    );
    worker.stop().await;
}

async fn time_limit(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(QueueSettings {
        time_limit: Duration::from_millis(100),
        max_attempts: 2,
        ..quick()
    });
    let worker = TestWorker::start(&queue, 1);
    let id = queue
        .submit(job("sleep", &[("ms", "60000")]))
        .await
        .unwrap();
    let record = reaches(&queue, &id, JobState::Failed).await;
    assert_eq!(record.attempts, 2);
    assert_eq!(record.error.as_deref(), Some("the time limit was up"));
    worker.stop().await;
}

async fn panics(open: fn(QueueSettings) -> Queue) {
    let Queue {
        queue,
        server: _server,
    } = open(quick());
    let worker = TestWorker::start(&queue, 1);
    let id = queue.submit(job("panic", &[])).await.unwrap();
    let record = reaches(&queue, &id, JobState::Failed).await;
    assert_eq!(record.attempts, 3);
    assert_eq!(record.error.as_deref(), Some("the job panicked"));
    let id = queue.submit(job("echo", &[])).await.unwrap();
    reaches(&queue, &id, JobState::Succeeded).await;
    worker.stop().await;
}
