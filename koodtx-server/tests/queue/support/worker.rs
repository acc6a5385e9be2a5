//! A handler that does what its jobs say, and a worker with it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use koodtx_server::queue::{Job, JobError, JobHandler, JobQueue};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Does what its jobs say.
#[derive(Default)]
pub struct TestHandler {
    /// How often each job was started, by id.
    pub starts: Mutex<HashMap<String, usize>>,
    /// How many run now, and how many did at most.
    pub running: Mutex<(usize, usize)>,
    /// Whether jobs called `hang` do.
    pub hangs: bool,
}

impl TestHandler {
    /// How often jobs were started in all.
    pub fn total(&self) -> usize {
        self.starts.lock().values().sum()
    }
}

#[async_trait]
impl JobHandler for TestHandler {
    async fn run(&self, job: &Job) -> Result<Value, JobError> {
        let arg = |name: &str| job.args.get(name).cloned().unwrap_or_default();
        let start = {
            let mut starts = self.starts.lock();
            let start = starts.entry(job.job_id.to_string()).or_default();
            *start += 1;
            *start
        };
        if let Some(path) = job.args.get("file") {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .unwrap();
            writeln!(file, "{}", job.job_id).unwrap();
        }
        match job.name.as_str() {
            "echo" => Ok(json!({ "said": arg("say") })),
            "flaky" if start <= arg("failures").parse().unwrap() => {
                Err(JobError::transient(format!("failure {start}")))
            }
            "flaky" => Ok(json!([])),
            "broken" => Err(JobError::permanent("broken")),
            "panic" => panic!("oh no"),
            "hang" if self.hangs => std::future::pending().await,
            "hang" => Ok(Value::Null),
            "sleep" => {
                {
                    let mut running = self.running.lock();
                    running.0 += 1;
                    running.1 = running.1.max(running.0);
                }
                tokio::time::sleep(Duration::from_millis(arg("ms").parse().unwrap())).await;
                self.running.lock().0 -= 1;
                Ok(json!("rested"))
            }
            other => Err(JobError::permanent(format!("unknown: {other}"))),
        }
    }
}

/// A worker in this process.
pub struct TestWorker {
    /// What runs the jobs.
    pub handler: Arc<TestHandler>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl TestWorker {
    /// Starts one.
    pub fn start(queue: &JobQueue, concurrency: usize) -> Self {
        Self::with(queue, concurrency, TestHandler::default())
    }

    /// Starts one with this handler.
    pub fn with(queue: &JobQueue, concurrency: usize, handler: TestHandler) -> Self {
        let handler = Arc::new(handler);
        let (stop, stopped) = oneshot::channel();
        let (queue, its) = (queue.clone(), Arc::clone(&handler));
        let task = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            queue.run_worker(its, concurrency, shutdown).await;
        });
        Self {
            handler,
            stop,
            task,
        }
    }

    /// Whether it is still at work.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// Shuts it down and waits for that.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        tokio::time::timeout(super::PATIENCE, self.task)
            .await
            .expect("the worker stops")
            .unwrap();
    }
}
