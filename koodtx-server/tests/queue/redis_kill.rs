//! Workers that are killed while they are at a job.

use std::path::Path;
use std::process::{Child, Command};

use crate::support::{TestHandler, TestRedis, TestWorker, eventually, job, quick, reaches};
use koodtx_server::queue::{JobId, JobQueue, JobState, QueueSettings};

/// Tells a copy of this program to be a worker at this Redis.
const WORKER_URL: &str = "QUEUE_TEST_WORKER_URL";
/// How often a job may be started.
const MAX_ATTEMPTS: u32 = 2;

fn open(url: &str) -> JobQueue {
    let settings = QueueSettings {
        max_attempts: MAX_ATTEMPTS,
        ..quick()
    };
    JobQueue::open_redis(url, settings).unwrap()
}

/// No test: what the other process does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_process() {
    let Ok(url) = std::env::var(WORKER_URL) else {
        return;
    };
    let handler = TestHandler {
        hangs: true,
        ..TestHandler::default()
    };
    open(&url)
        .run_worker(std::sync::Arc::new(handler), 2, std::future::pending())
        .await;
}

/// A worker in another process.
struct OtherProcess(Child);

impl OtherProcess {
    fn start(redis: &TestRedis) -> Self {
        let program = std::env::current_exe().unwrap();
        let child = Command::new(program)
            .args(["--exact", "redis_kill::worker_process", "--nocapture"])
            .env(WORKER_URL, redis.url())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// SIGSTOP, SIGCONT.
    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(status.success());
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until a job was started so often.
async fn started(file: &Path, id: &JobId, times: usize) {
    eventually("a start", async || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().filter(|line| *line == id.as_str()).count() == times
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_worker_does_the_job_of_a_killed_one() {
    let redis = TestRedis::start();
    let queue = open(&redis.url());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("starts");
    let new = job("hang", &[("file", file.to_str().unwrap())]);
    let id = queue.submit(new).await.unwrap();
    let other = OtherProcess::start(&redis);
    started(&file, &id, 1).await;
    let survivor = TestWorker::start(&queue, 1);
    other.kill();
    let record = reaches(&queue, &id, JobState::Succeeded).await;
    assert_eq!(record.attempts, 2);
    started(&file, &id, 2).await;
    survivor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_frozen_comes_back() {
    let redis = TestRedis::start();
    let queue = open(&redis.url());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("starts");
    let new = job("sleep", &[("ms", "2000"), ("file", file.to_str().unwrap())]);
    let id = queue.submit(new).await.unwrap();
    let other = OtherProcess::start(&redis);
    started(&file, &id, 1).await;
    other.signal("-STOP");
    let survivor = TestWorker::start(&queue, 1);
    reaches(&queue, &id, JobState::Succeeded).await;
    survivor.stop().await;
    // It finds that it was thought dead, and its job done.
    other.signal("-CONT");
    let new = job("echo", &[("file", file.to_str().unwrap())]);
    let next = queue.submit(new).await.unwrap();
    reaches(&queue, &next, JobState::Succeeded).await;
    started(&file, &next, 1).await;
    let record = queue.job(&id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (JobState::Succeeded, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_kills_workers_fails() {
    let redis = TestRedis::start();
    let queue = open(&redis.url());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("starts");
    let new = job("hang", &[("file", file.to_str().unwrap())]);
    let id = queue.submit(new).await.unwrap();
    for times in 1..=MAX_ATTEMPTS as usize {
        let other = OtherProcess::start(&redis);
        started(&file, &id, times).await;
        other.kill();
    }
    let survivor = TestWorker::start(&queue, 1);
    let record = reaches(&queue, &id, JobState::Failed).await;
    assert_eq!(record.attempts, MAX_ATTEMPTS);
    assert!(record.error.unwrap().contains("given up after 2 attempts"));
    assert_eq!(survivor.handler.total(), 0);
    // Nothing is left of it in the queue.
    eventually("an empty queue", async || {
        queue.stats().await.unwrap().depth == 0
    })
    .await;
    survivor.stop().await;
}
