//! Supervisor with the shipped configuration.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use koodtx_store_postgres::testing::TestCluster;
use tempfile::TempDir;

use crate::redis_server::TestRedis;
use crate::support::{
    SERVER, deploy, eventually, free_address, printed, program, run, shipped, signal,
};

const PACKAGE: &str = "supervisor";
const PROGRAMS: [&str; 3] = ["koodtx", "koodtx-worker", "koodtx-scheduler"];

/// A supervisor; ended with its programs when dropped.
struct Supervisor {
    process: Child,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Supervisor {
    fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for name in ["STATE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY"] {
            let place = folder.path().join(name);
            fs::create_dir(&place).expect("a folder");
            all.push((name.to_owned(), place.display().to_string()));
        }
        let binaries = Path::new(SERVER).parent().expect("it is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        all.push(("PATH".to_owned(), format!("{}:{path}", binaries.display())));
        let process = program("supervisord")
            .envs(all.iter().cloned())
            .arg("--nodaemon")
            .arg("--configuration")
            .arg(deploy().join("supervisord.conf"))
            .stdout(Stdio::null())
            .spawn()
            .expect("this test needs `supervisord` (apt-get install supervisor)");
        Self {
            process,
            folder,
            settings: all,
        }
    }

    /// Runs a command of `supervisorctl`; returns what it printed.
    fn control(&self, arguments: &[&str]) -> String {
        let mut command = program("supervisorctl");
        command
            .envs(self.settings.iter().cloned())
            .arg("--configuration")
            .arg(deploy().join("supervisord.conf"))
            .args(arguments);
        printed(&run(&mut command, PACKAGE))
    }

    /// The process of a program, while it runs.
    fn pid(&self, program: &str) -> Option<u32> {
        let status = self.control(&["status", program]);
        let (_, rest) = status.split_once("RUNNING   pid ")?;
        rest.split(',').next()?.parse().ok()
    }

    fn log(&self, name: &str) -> String {
        let path = self.folder.path().join("LOGS_DIRECTORY").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    /// Runs the binary with the same settings.
    fn server(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(SERVER);
        command.env_clear().envs(self.settings.iter().cloned());
        command.current_dir(self.folder.path()).args(arguments);
        let output = run(&mut command, "nothing");
        (output.status.success(), printed(&output))
    }

    #[track_caller]
    fn becomes_healthy(&self) {
        eventually("the server is healthy", || {
            self.server(&["health"]).0.then_some(())
        });
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            // Not SIGKILL, which would leave its programs behind.
            signal("-TERM", self.process.id());
            let _ = self.process.wait();
        }
        if std::thread::panicking() {
            for program in PROGRAMS {
                eprintln!("{program}:\n{}", self.log(&format!("{program}.err.log")));
            }
            eprintln!("supervisord:\n{}", self.log("supervisord.log"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_three_programs_run_come_back_and_stop() {
    let database = TestCluster::shared().database().await;
    let (store, redis) = (database.url(), TestRedis::start());
    let (jobs, listen): (String, SocketAddr) = (redis.url(), free_address());
    let supervisor = Supervisor::start(&[
        ("KOODTX_STORE", &store),
        (
            "KOODTX_JWT_SECRET",
            "a secret of the tests, which is long enough",
        ),
        ("KOODTX_JOBS", &jobs),
        ("KOODTX_LISTEN", &listen.to_string()),
        // Every second.
        ("KOODTX_SCHEDULE_REPORT", "* * * * * *"),
    ]);
    tokio::task::block_in_place(|| run_through(&supervisor));
}

fn run_through(supervisor: &Supervisor) {
    supervisor.becomes_healthy();
    let first =
        PROGRAMS.map(|program| eventually(&format!("{program} runs"), || supervisor.pid(program)));
    // The scheduler submits, and the worker does it.
    let reports = || {
        let (_, list) = supervisor.server(&["jobs", "list"]);
        list.matches("report          succeeded").count()
    };
    eventually("a report", || (reports() > 0).then_some(()));

    for (program, pid) in PROGRAMS.into_iter().zip(first) {
        signal("-KILL", pid);
        let second = eventually(&format!("{program} comes back"), || {
            supervisor.pid(program).filter(|second| *second != pid)
        });
        assert_ne!(second, pid);
    }
    supervisor.becomes_healthy();
    let before = reports();
    eventually("another report", || (reports() > before).then_some(()));

    supervisor.control(&["stop", "all"]);
    let status = supervisor.control(&["status"]);
    assert_eq!(status.matches("STOPPED").count(), 3, "{status}");
    let log = supervisor.log("supervisord.log");
    for program in PROGRAMS {
        let ended = log.contains(&format!("stopped: {program} (exit status 0)"));
        assert!(ended, "{program} did not end by itself:\n{log}");
    }
    let out = supervisor.log("koodtx.out.log");
    assert!(out.contains("API   http://127.0.0.1:"), "{out}");
    let said = supervisor.control(&["shutdown"]);
    assert!(said.contains("Shut down"), "{said}");
}

/// Longer than the 30 seconds that requests in flight and jobs are given, and the 5 for what they
/// leave to write.
#[test]
fn nothing_is_killed_within_its_grace_time() {
    let seconds = |text: &str, key: &str| -> Vec<u32> {
        let values = text.lines().filter_map(|line| line.strip_prefix(key));
        values
            .map(|value| value.parse().expect("seconds"))
            .collect()
    };
    let supervisor = shipped("supervisord.conf");
    let mut all = seconds(&supervisor, "stopwaitsecs=");
    for program in PROGRAMS {
        let unit = shipped(&format!("systemd/{program}.service"));
        all.extend(seconds(&unit, "TimeoutStopSec="));
    }
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|seconds| *seconds > 35), "{all:?}");
}
