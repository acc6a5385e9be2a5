//! A user whose devices push and pull until the server or its store is gone.

use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::ledger::{Ledger, Promise};
use super::recording::Recording;
use crate::support::device::Away;
use crate::support::follower::Style;
use crate::support::{Device, Follower, Server};

const PUSHERS_COUNT: usize = 3;
/// Sessions that many push to at the same time.
const SHARED_SESSIONS_COUNT: usize = 2;
/// After how many pushes others take their place, so that a check has not ever more to read.
const SHARED_FOR_PUSHES: usize = 150;
/// How often a user who deletes does so instead of pushing.
const DELETE_PROBABILITY: f64 = 0.15;
/// Records of a push.
const SIZES: [usize; 6] = [0, 1, 3, 40, 300, 1_000];
const SHARED_SIZES: [usize; 4] = [1, 2, 50, 600];

/// One user with all devices.
pub struct User {
    pub ledger: Ledger,
    number: usize,
    device: Device,
    follower: Follower,
}

/// The devices of one user at work.
pub struct Load {
    number: usize,
    device: Device,
    ledger: Arc<Mutex<Ledger>>,
    pushers: Vec<JoinHandle<()>>,
    puller: JoinHandle<Follower>,
}

impl User {
    pub async fn register(server: &Server, number: usize) -> Self {
        let username = format!("user{number}");
        let device = Device::register(server, &username).await;
        let watcher = Device::login(server, &username, &format!("{username}-watch")).await;
        let style = Style::Cursors {
            size: 20,
            max_records: 2_000,
        };
        let follower = Follower::new(watcher, style);
        Self {
            ledger: Ledger::default(),
            number,
            device,
            follower,
        }
    }

    /// Checks what is there against what was promised and what was read before.
    pub async fn check_after_restart(&mut self, server: &Server) {
        self.device = self.device.at(server);
        self.follower.reconnect(server);
        // Before anything else is logged.
        let recent = self.device.recent_syncs().await;
        let changed = self.follower.round().await.expect("the server answers");
        let copy = &self.follower.copy;
        assert!(
            self.follower.latest() >= self.ledger.latest_clock(),
            "the user clock went back"
        );
        self.ledger.check_touched(copy, changed);
        self.ledger.check_log(&recent, copy);
    }

    /// Compares the copy that grew through all crashes with what a new device gets; returns its
    /// number of records.
    pub async fn check_whole_copy(&mut self) -> u64 {
        let whole = Follower::whole_copy(&self.device).await;
        self.ledger.check_all(&whole);
        self.follower
            .copy
            .assert_same(&whole, "the copy kept through all crashes");
        whole
            .sessions
            .values()
            .map(|session| session.records.len() as u64)
            .sum()
    }

    /// Lets all devices work until the server or its store is gone.
    pub fn begin_load(self, random: &mut StdRng) -> Load {
        let Self {
            ledger,
            number,
            device,
            mut follower,
        } = self;
        let mut retries = ledger.unanswered_recordings();
        retries.retain(|_| random.random_bool(0.5));
        let ledger = Arc::new(Mutex::new(ledger));
        let pushers = (0..PUSHERS_COUNT).map(|_| {
            let pusher = Pusher {
                user: number,
                device: device.clone(),
                ledger: ledger.clone(),
                random: StdRng::seed_from_u64(random.next_u64()),
                retries: std::mem::take(&mut retries),
            };
            tokio::spawn(pusher.work())
        });
        let pushers = pushers.collect();
        let puller = tokio::spawn(async move {
            while follower.round().await.is_ok() {}
            follower
        });
        Load {
            number,
            device,
            ledger,
            pushers,
            puller,
        }
    }
}

impl Load {
    /// Waits until every device has noticed that the server or its store is gone.
    pub async fn end(self) -> User {
        for pusher in self.pushers {
            pusher.await.expect("a pusher found nothing wrong");
        }
        let follower = self.puller.await.expect("the puller found nothing wrong");
        let ledger = std::mem::take(&mut *lock(&self.ledger));
        User {
            ledger,
            number: self.number,
            device: self.device,
            follower,
        }
    }
}

struct Pusher {
    user: usize,
    device: Device,
    ledger: Arc<Mutex<Ledger>>,
    random: StdRng,
    retries: Vec<Recording>,
}

impl Pusher {
    async fn work(mut self) {
        loop {
            // One user deletes, the other's log tells of every change.
            if self.user % 2 == 1 && self.random.random_bool(DELETE_PROBABILITY) {
                let Ok(()) = self.delete().await else { return };
            }
            let recording = self.retries.pop().unwrap_or_else(|| self.record());
            let Ok(answer) = self.push(&recording).await else {
                return;
            };
            let promise = Promise::of(&recording, &answer);
            lock(&self.ledger).promised(recording.marker, promise);
        }
    }

    async fn push(&self, recording: &Recording) -> Result<Value, Away> {
        self.device.push(recording.body()).await?.ok_or_away()
    }

    /// Deletes a session that holds one push.
    async fn delete(&mut self) -> Result<(), Away> {
        let ledger = self.ledger.clone();
        let chosen = lock(&ledger).begin_deletion(&mut self.random);
        let Some((marker, session_id)) = chosen else {
            return Ok(());
        };
        let answer = self.device.delete_session(&session_id).await?;
        let answer = answer.ok_or_away()?;
        lock(&ledger).deleted(marker, &answer);
        Ok(())
    }

    fn record(&mut self) -> Recording {
        let is_shared = self.random.random_bool(0.5);
        let sizes: &[usize] = if is_shared { &SHARED_SIZES } else { &SIZES };
        let size = sizes.choose(&mut self.random).copied().unwrap_or(1);
        let session = self.random.random_range(0..SHARED_SESSIONS_COUNT);
        let mut ledger = lock(&self.ledger);
        let marker = ledger.next_marker();
        let session = marker / SHARED_FOR_PUSHES * SHARED_SESSIONS_COUNT + session;
        let recording = if is_shared {
            Recording::shared(self.user, session, marker, size)
        } else {
            Recording::alone(self.user, marker, size)
        };
        ledger.add(recording.clone());
        drop(ledger);
        recording
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("no pusher panicked")
}
