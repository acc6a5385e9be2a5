//! Crashes under load, again and again: what was acknowledged is whole, nothing is partial, and the
//! server comes back on its own.

mod check;
mod ledger;
mod load;
mod log;
mod recording;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use crate::support::{Folder, Server};
use load::User;

/// Kills under load.
const KILLS_COUNT: usize = 60;
/// Latest moment of a crash, after the load began.
const CRASH_MAX_MILLIS: u64 = 500;
/// Latest moment of a kill while the server recovers.
const KILL_STARTING_MAX_MILLIS: u64 = 60;
/// After how many crashes `verify` walks the whole store.
const VERIFY_EVERY_CRASHES: usize = 20;
const USERS_COUNT: usize = 2;
const SEED: u64 = 0x6b6f_6f64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_kills_lose_nothing_and_leave_nothing_half_done() {
    let folder = Folder::new();
    crash_again_and_again(&folder, KILLS_COUNT, &mut Kill::new(&folder)).await;
}

/// What crashes, and how it comes back.
pub trait Crash {
    /// A server that answers, whatever happened before.
    async fn recover(&mut self, random: &mut StdRng) -> &Server;

    /// Crashes.
    async fn crash(&mut self);

    /// Sees to it that the store can be opened again.
    async fn repair(&mut self);

    /// Ends the server, and fails unless it ends well.
    fn stop(&mut self);
}

/// Crashes under load `crashes_count` times, and checks everything after each.
pub async fn crash_again_and_again(folder: &Folder, crashes_count: usize, what: &mut impl Crash) {
    let mut random = StdRng::seed_from_u64(SEED);
    let server = folder.start();
    let mut users = Vec::new();
    for number in 0..USERS_COUNT {
        users.push(User::register(&server, number).await);
    }
    server.stop();

    for crash in 1..=crashes_count {
        let server = what.recover(&mut random).await;
        for user in &mut users {
            user.check_after_restart(server).await;
        }
        let load: Vec<_> = users
            .into_iter()
            .map(|user| user.begin_load(&mut random))
            .collect();
        sleep(Duration::from_millis(
            random.random_range(0..=CRASH_MAX_MILLIS),
        ))
        .await;
        what.crash().await;
        users = Vec::new();
        for load in load {
            users.push(load.end().await);
        }
        what.repair().await;
        if crash % VERIFY_EVERY_CRASHES == 0 {
            folder.verify();
        }
    }

    let server = what.recover(&mut random).await;
    let mut records = 0;
    for user in &mut users {
        user.check_after_restart(server).await;
        records += user.check_whole_copy().await;
    }
    what.stop();
    assert_eq!(folder.verify(), records);
    folder.assert_no_panic();
    let mut deleted = 0;
    for user in &users {
        let tally = user.ledger.tally();
        println!("{crashes_count} crashes: {tally:?}");
        // Otherwise the crashes proved nothing.
        assert!(tally.acknowledged > crashes_count);
        assert!(tally.unanswered_and_stored + tally.unanswered_and_absent > 0);
        deleted += tally.deleted;
    }
    assert!(deleted > 0);
}

/// `kill -9` of the server.
pub struct Kill<'a> {
    folder: &'a Folder,
    server: Option<Server>,
}

impl<'a> Kill<'a> {
    pub fn new(folder: &'a Folder) -> Self {
        Self {
            folder,
            server: None,
        }
    }
}

impl Crash for Kill<'_> {
    async fn recover(&mut self, random: &mut StdRng) -> &Server {
        if random.random_bool(0.25) {
            let millis = random.random_range(0..=KILL_STARTING_MAX_MILLIS);
            kill_while_starting(self.folder, millis).await;
        }
        self.server.insert(self.folder.start())
    }

    async fn crash(&mut self) {
        self.server.take().expect("a server that runs").kill();
    }

    /// There is nothing to repair.
    async fn repair(&mut self) {}

    fn stop(&mut self) {
        self.server.take().expect("a server that runs").stop();
    }
}

/// Recovery may be interrupted like everything else.
async fn kill_while_starting(folder: &Folder, millis: u64) {
    let mut command = folder.command();
    command
        .args(["--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::null());
    let mut process = command.spawn().expect("the server starts");
    sleep(Duration::from_millis(millis)).await;
    process.kill().expect("the server was still running");
    process.wait().expect("the server is a child");
}
