//! Servers, workers and schedulers that share a Redis.

#[path = "../queue/support/redis_server.rs"]
mod redis_server;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use koodtx_server::queue::{JobQueue, QueueSettings};
use koodtx_store_postgres::testing::TestCluster;
use redis_server::TestRedis;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;
use uuid::Uuid;

use crate::support::{Device, Folder};

/// Anything may take that long: a worker counts as dead after half a minute.
const PATIENCE: Duration = Duration::from_mins(2);
const SESSION: Uuid = Uuid::from_u128(1);

/// A worker or a scheduler, killed when dropped.
struct Process(Child);

impl Process {
    fn start(folder: &Folder, command: &str, settings: &[(&str, &str)]) -> Self {
        let mut program = folder.command();
        program.arg(command).envs(settings.iter().copied());
        Self(program.spawn().expect("the binary runs"))
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.0.kill().expect("it was still running");
        self.0.wait().expect("it is a child");
    }

    /// SIGTERM; fails unless it ends well.
    fn stop(mut self) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
        assert!(self.0.wait().expect("it is a child").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn body() -> Value {
    let records: Vec<_> = (0..500)
        .map(|time| json!({ "sensor_type": "acc", "timestamp": time, "data": { "x": time } }))
        .collect();
    json!({
        "session": { "session_id": SESSION, "start_time": "2023-11-14T22:13:20Z" },
        "sensor_data": records,
    })
}

/// Asks for the analysis of the session; returns status and job.
async fn ask(device: &Device) -> (StatusCode, String) {
    let path = format!("/api/sessions/{SESSION}/analysis");
    let request = device.request(Method::POST, &path);
    let response = request.send().await.expect("the server answers");
    let status = response.status();
    let answer: Value = response.json().await.expect("JSON");
    let job = answer["job_id"].as_str().unwrap_or_default().to_owned();
    (status, job)
}

/// Waits until a job is in that state.
async fn reaches(device: &Device, job: &str, state: &str) -> Value {
    eventually(&format!("job {job} {state}"), async || {
        // While the queue is away, the answer says to come back.
        let found = device.try_get(&format!("/api/jobs/{job}")).await;
        (found.body["state"] == state).then_some(found.body)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_worker_does_what_a_killed_one_was_at() {
    let database = TestCluster::shared().database().await;
    let redis = TestRedis::start();
    let (folder, url) = (Folder::on(database.url()), redis.url());
    let settings = [("KOODTX_JOBS", url.as_str())];
    let server = folder.start_with(&settings);
    let ann = Device::register(&server, "ann").await;
    ann.push_ok(&body()).await;

    // The result cannot be stored while somebody else holds the user: the worker is in mid-task.
    let mut connection = PgConnection::connect(&database.url())
        .await
        .expect("the database answers");
    let mut holding = connection.begin().await.expect("the database answers");
    let locked = sqlx::query("SELECT FROM user_clock FOR UPDATE")
        .fetch_all(&mut *holding)
        .await;
    assert_eq!(locked.expect("the rows are free").len(), 1);
    let doomed = Process::start(&folder, "worker", &settings);
    let (status, job) = ask(&ann).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    reaches(&ann, &job, "running").await;
    doomed.kill();
    holding.rollback().await.expect("the database answers");

    let survivor = Process::start(&folder, "worker", &settings);
    let done = reaches(&ann, &job, "succeeded").await;
    assert_eq!(done["attempts"], 2);
    let found = ann.get(&format!("/api/sessions/{SESSION}/analysis")).await;
    assert_eq!(
        (&found["total_records"], &found["stale"]),
        (&json!(500), &json!(false))
    );
    survivor.stop();
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_restarts_loses_no_job_and_no_worker() {
    let database = TestCluster::shared().database().await;
    let mut redis = TestRedis::start();
    let (folder, url) = (Folder::on(database.url()), redis.url());
    let settings = [("KOODTX_JOBS", url.as_str())];
    let server = folder.start_with(&settings);
    let ann = Device::register(&server, "ann").await;
    ann.push_ok(&body()).await;
    let (_, job) = ask(&ann).await;
    redis.stop();
    // Syncing goes on, and says nothing of it.
    let mut ended = body();
    ended["session"]["end_time"] = json!("2023-11-14T23:13:20Z");
    ann.push_ok(&ended).await;
    let (status, _) = ask(&ann).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let worker = Process::start(&folder, "worker", &settings);
    sleep(Duration::from_secs(1)).await;
    redis.resume();
    reaches(&ann, &job, "succeeded").await;
    // The worker is still the same one.
    redis.stop();
    redis.resume();
    let job = eventually("a job is accepted", async || {
        let (status, job) = ask(&ann).await;
        (status == StatusCode::ACCEPTED).then_some(job)
    })
    .await;
    reaches(&ann, &job, "succeeded").await;
    worker.stop();
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_schedulers_one_submits_each_run() {
    let database = TestCluster::shared().database().await;
    let redis = TestRedis::start();
    let (folder, url) = (Folder::on(database.url()), redis.url());
    let settings = [
        ("KOODTX_JOBS", url.as_str()),
        // Every second.
        ("KOODTX_SCHEDULE_REPORT", "* * * * * *"),
        ("KOODTX_SCHEDULE_ANALYSE", "off"),
    ];
    let schedulers = [(); 2].map(|()| Process::start(&folder, "scheduler", &settings));
    let worker = Process::start(&folder, "worker", &settings);
    let queue = JobQueue::open_redis(&url, QueueSettings::default()).expect("a queue");
    let jobs = eventually("six reports", async || {
        let jobs = queue.recent(1_000).await.expect("the queue answers");
        (jobs.len() >= 6).then_some(jobs)
    })
    .await;
    assert!(jobs.iter().all(|job| job.name == "report"));
    // The moment of the tick is the second in which it was submitted, or the one before.
    let seconds: BTreeSet<_> = jobs.iter().map(|job| job.created_at / 1_000_000).collect();
    assert_eq!(seconds.len(), jobs.len(), "{jobs:?}");
    for scheduler in schedulers {
        scheduler.stop();
    }
    worker.stop();
    let shown = folder.run(&["report"]);
    assert!(shown.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_looks_at_jobs_and_runs_them_in_a_worker() {
    let database = TestCluster::shared().database().await;
    let redis = TestRedis::start();
    let (folder, url) = (Folder::on(database.url()), redis.url());
    let with_redis = |arguments: &[&str]| {
        let mut command = folder.command();
        command.args(arguments).env("KOODTX_JOBS", &url);
        let output = Folder::finish(command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let worker = Process::start(&folder, "worker", &[("KOODTX_JOBS", &url)]);
    let report = tokio::task::block_in_place(|| with_redis(&["jobs", "run", "report"]));
    assert!(report.contains("\"last_30_days\""), "{report}");
    let dry = ["jobs", "run", "optimise", "--dry-run"];
    assert!(tokio::task::block_in_place(|| with_redis(&dry)).contains("dry_run"));
    let list = with_redis(&["jobs", "list"]);
    assert!(list.contains("purge-samples   0 3 * * *"), "{list}");
    assert!(list.contains("report          succeeded"), "{list}");
    let status = with_redis(&["jobs", "status"]);
    assert!(status.contains("2 succeeded, 0 failed"), "{status}");
    assert!(
        status.lines().any(|line| line.starts_with("report ")),
        "{status}"
    );
    worker.stop();
}

/// An address that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .local_addr()
        .expect("it has an address")
        .to_string()
}

/// The metrics that are read there, once there are all of these.
async fn scrape(place: &str, wanted: &[&str]) -> String {
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    eventually(&format!("{wanted:?}"), async || {
        let answer = client.get(format!("http://{place}/metrics")).send().await;
        let text = answer.ok()?.text().await.ok()?;
        wanted
            .iter()
            .all(|part| text.contains(part))
            .then_some(text)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_and_schedulers_have_metrics_of_their_own() {
    let database = TestCluster::shared().database().await;
    let redis = TestRedis::start();
    let (folder, url) = (Folder::on(database.url()), redis.url());
    let [of_server, of_worker, of_scheduler] = [(); 3].map(|()| free_address());
    // Those of the server, which the others share.
    let settings = [
        ("KOODTX_JOBS", url.as_str()),
        ("KOODTX_METRICS_LISTEN", of_server.as_str()),
    ];
    let server = folder.start_with(&settings);
    let start = |arguments: &[&str]| {
        let mut program = folder.command();
        program.args(arguments).envs(settings);
        program
    };
    let refused = Folder::finish(start(&["worker"]));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    let names_it = why.contains("KOODTX_METRICS_LISTEN") && why.contains(&of_server);
    assert!(!refused.status.success() && names_it, "{why}");
    let spawn = |arguments: &[&str]| Process(start(arguments).spawn().expect("the binary runs"));
    let worker = spawn(&["worker", "--metrics-listen", &of_worker]);
    let scheduler = spawn(&["scheduler", "--metrics-listen", &of_scheduler]);
    let silent = spawn(&["scheduler", "--metrics-listen", "off"]);

    let ann = Device::register(&server, "ann").await;
    ann.push_ok(&body()).await;
    let (_, job) = ask(&ann).await;
    reaches(&ann, &job, "succeeded").await;
    let version = env!("CARGO_PKG_VERSION");
    let build =
        format!("koodtx_build_info{{version=\"{version}\",role=\"worker\",store=\"postgres\"}} 1");
    let wanted = [
        "koodtx_job_attempts_total{task=\"analyse\",outcome=\"succeeded\"} 1",
        "koodtx_job_duration_seconds_count{task=\"analyse\"} 1",
        "koodtx_store_operation_duration_seconds_count{operation=\"put_analysis\"} 1",
        "koodtx_jobs_queue_depth 0",
        "koodtx_jobs{state=\"succeeded\"}",
        "koodtx_postgres_connections{state=\"idle\"}",
        "koodtx_process_cpu_seconds_total",
        "koodtx_uptime_seconds",
        &build,
    ];
    let text = scrape(&of_worker, &wanted).await;
    assert!(!text.contains("koodtx_http"), "{text}");
    let build = format!("koodtx_build_info{{version=\"{version}\",role=\"scheduler\"}} 1");
    let wanted = ["koodtx_jobs_queue_depth", "koodtx_uptime_seconds", &build];
    let text = scrape(&of_scheduler, &wanted).await;
    assert!(
        !text.contains("koodtx_store") && !text.contains("koodtx_postgres"),
        "{text}"
    );
    scrape(&of_server, &["role=\"server\",store=\"postgres\""]).await;
    worker.stop();
    scheduler.stop();
    silent.stop();
    server.stop();
}

#[test]
fn an_operator_runs_tasks_without_a_redis() {
    let folder = Folder::new();
    let text = |arguments: &[&str], is_ok: bool| {
        let output = folder.run(arguments);
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert_eq!(output.status.success(), is_ok, "{arguments:?}: {shown}");
        shown
    };
    // Looking creates no store.
    assert!(text(&["report"], false).contains("there is no data"));
    folder.start().stop();
    assert!(text(&["report"], true).contains("0 users, 0 sessions, 0 samples"));
    assert!(text(&["report", "--json"], true).contains("\"disk_bytes\""));
    let done = text(&["jobs", "run", "purge-samples"], true);
    assert!(done.contains("KOODTX_RETENTION_DAYS is not set"), "{done}");
    let done = text(&["jobs", "run", "optimise"], true);
    assert!(done.contains("expired"), "{done}");
    let shown = text(&["jobs", "status"], true);
    assert!(
        shown.contains("optimise") && shown.contains("purge-samples"),
        "{shown}"
    );
    assert!(text(&["jobs", "list"], true).contains("kept in: memory"));
    for (arguments, problem) in [
        (&["worker"][..], "needs a Redis"),
        (&["scheduler"], "needs a Redis"),
        (
            &["jobs", "run", "everything"],
            "there is no task `everything`",
        ),
        (&["jobs", "run", "export-session"], "`user` is missing"),
        (&["jobs", "run", "report", "--arg", "x"], "use NAME=VALUE"),
        (
            &["jobs", "run", "report", "--arg", "dry-run=perhaps"],
            "`dry-run`",
        ),
    ] {
        let shown = text(arguments, false);
        assert!(shown.contains(problem), "{arguments:?}: {shown}");
    }
}
