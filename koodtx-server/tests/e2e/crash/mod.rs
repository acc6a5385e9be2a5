//! `kill -9` under load, again and again: what was acknowledged is whole, nothing is partial, and
//! the server comes back on its own.

mod check;
mod ledger;
mod load;
mod log;
mod recording;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use crate::support::Folder;
use load::User;

/// Kills under load.
const KILLS_COUNT: usize = 60;
/// Latest moment of a kill, after the load began.
const KILL_MAX_MILLIS: u64 = 500;
/// Latest moment of a kill while the server recovers.
const KILL_STARTING_MAX_MILLIS: u64 = 60;
/// After how many kills `verify` walks the whole store.
const VERIFY_EVERY_KILLS: usize = 20;
const USERS_COUNT: usize = 2;
const SEED: u64 = 0x6b6f_6f64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_kills_lose_nothing_and_leave_nothing_half_done() {
    let mut random = StdRng::seed_from_u64(SEED);
    let folder = Folder::new();
    let server = folder.start();
    let mut users = Vec::new();
    for number in 0..USERS_COUNT {
        users.push(User::register(&server, number).await);
    }
    server.stop();

    for kill in 1..=KILLS_COUNT {
        if random.random_bool(0.25) {
            kill_while_starting(&folder, random.random_range(0..=KILL_STARTING_MAX_MILLIS)).await;
        }
        let server = folder.start();
        for user in &mut users {
            user.check_after_restart(&server).await;
        }
        let load: Vec<_> = users
            .into_iter()
            .map(|user| user.begin_load(&mut random))
            .collect();
        sleep(Duration::from_millis(
            random.random_range(0..=KILL_MAX_MILLIS),
        ))
        .await;
        server.kill();
        users = Vec::new();
        for load in load {
            users.push(load.end().await);
        }
        if kill % VERIFY_EVERY_KILLS == 0 {
            folder.verify();
        }
    }

    let server = folder.start();
    let mut records = 0;
    for user in &mut users {
        user.check_after_restart(&server).await;
        records += user.check_whole_copy().await;
    }
    server.stop();
    assert_eq!(folder.verify(), records);
    folder.assert_no_panic();
    let mut deleted = 0;
    for user in &users {
        let tally = user.ledger.tally();
        println!("{KILLS_COUNT} kills: {tally:?}");
        // Otherwise the kills proved nothing.
        assert!(tally.acknowledged > KILLS_COUNT);
        assert!(tally.unanswered_and_stored + tally.unanswered_and_absent > 0);
        deleted += tally.deleted;
    }
    assert!(deleted > 0);
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
