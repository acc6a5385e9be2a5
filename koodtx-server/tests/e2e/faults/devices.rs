//! Devices that repeat what failed until it is stored, and devices that follow them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use super::flaky_store::SECRET_TEXT;
use super::ledger::{Ledger, Push};
use crate::support::device::answer;
use crate::support::follower::Style;
use crate::support::{Device, Follower, Mirror};

const PUSHERS_COUNT: u128 = 3;
const PUSHES_COUNT: usize = 60;
/// Sessions that all devices of a user push to.
const SHARED_SESSIONS_COUNT: u128 = 2;
/// Sessions of one device each; it deletes the first of them in the end.
const OWN_SESSIONS_COUNT: u128 = 3;
/// Rounds until a follower has everything, and is told nothing twice. The first may go by the time at
/// which a round began that broke off, so the second may repeat some of it.
const SETTLING_ROUNDS_MAX_COUNT: usize = 3;
/// How often a client does not wait for the answer, and how long it waits then.
const ABORT_PROBABILITY: f64 = 0.1;
const ABORT_MAX_MICROS: u64 = 8_000;

/// One user with all devices.
pub struct User {
    name: String,
    device: Device,
    followers: Vec<Follower>,
    seed: u64,
}

/// A device that followed the others.
pub struct Settling(Follower);

impl User {
    pub async fn register(url: &str, name: &str, seed: u64) -> Self {
        let device = Device::register_at(url.to_owned(), name).await;
        let styles = [
            Style::Pages { size: 2 },
            Style::Cursors {
                size: 3,
                max_records: 40,
            },
        ];
        let mut followers = Vec::new();
        for style in styles {
            let id = format!("{name}-follower-{}", followers.len());
            let device = Device::login_at(url.to_owned(), name, &id).await;
            followers.push(Follower::new(device, style));
        }
        Self {
            name: name.to_owned(),
            device,
            followers,
            seed,
        }
    }

    /// Lets all devices push, and others follow meanwhile, until everything is stored.
    pub async fn live(self) -> (Vec<Settling>, Ledger) {
        let ledger = Arc::new(Mutex::new(Ledger::new(&self.name)));
        let is_done = Arc::new(AtomicBool::new(false));
        let followers = self.followers.into_iter();
        let followers: Vec<_> = followers.map(|one| follow(one, is_done.clone())).collect();
        let pushers: Vec<_> = (0..PUSHERS_COUNT)
            .map(|number| {
                let pusher = Pusher {
                    number,
                    device: self.device.clone(),
                    ledger: ledger.clone(),
                    random: StdRng::seed_from_u64(self.seed ^ (number as u64) << 32),
                };
                tokio::spawn(pusher.work())
            })
            .collect();
        for pusher in pushers {
            pusher.await.expect("a pusher found nothing wrong");
        }
        is_done.store(true, Ordering::SeqCst);
        let mut settling = Vec::new();
        for follower in followers {
            settling.push(follower.await.expect("a follower found nothing wrong"));
        }
        let ledger = std::mem::replace(&mut *lock(&ledger), Ledger::new(&self.name));
        (settling, ledger)
    }
}

impl Settling {
    /// Pulls what is left, from a store without faults.
    pub async fn settle(mut self) -> Mirror {
        for _ in 0..SETTLING_ROUNDS_MAX_COUNT {
            let changed = self.0.round().await.expect("nothing fails any more");
            if changed.is_empty() {
                return self.0.copy;
            }
        }
        panic!("the same comes again and again");
    }
}

/// Pulls round after round; one that breaks off begins anew.
fn follow(mut follower: Follower, is_done: Arc<AtomicBool>) -> JoinHandle<Settling> {
    tokio::spawn(async move {
        while !is_done.load(Ordering::SeqCst) {
            let _ = follower.round().await;
        }
        Settling(follower)
    })
}

struct Pusher {
    number: u128,
    device: Device,
    ledger: Arc<Mutex<Ledger>>,
    random: StdRng,
}

impl Pusher {
    async fn work(mut self) {
        for number in 0..PUSHES_COUNT {
            // Each is pushed to at least once.
            let own = self.own_session(number as u128 % OWN_SESSIONS_COUNT);
            let session = if self.random.random_bool(0.5) && number >= OWN_SESSIONS_COUNT as usize {
                self.random.random_range(0..SHARED_SESSIONS_COUNT)
            } else {
                own
            };
            let push = lock(&self.ledger).new_push(session, &mut self.random);
            self.push(&push).await;
        }
        self.delete(&Uuid::from_u128(self.own_session(0)).to_string())
            .await;
    }

    fn own_session(&self, number: u128) -> u128 {
        SHARED_SESSIONS_COUNT + self.number * OWN_SESSIONS_COUNT + number
    }

    async fn push(&mut self, push: &Push) {
        for attempt in 0.. {
            let id = lock(&self.ledger).sending(push, attempt);
            let request = self.device.request(Method::POST, "/api/sync/push");
            let request = request
                .header(CONTENT_TYPE, "application/json")
                .header("x-request-id", &id)
                .body(push.body.clone());
            if let Some(answer) = self.attempt(request).await {
                lock(&self.ledger).acknowledged(push, id, &answer.expect("the session is there"));
                return;
            }
        }
    }

    async fn delete(&mut self, session_id: &str) {
        for attempt in 0.. {
            let path = format!("/api/sessions/{session_id}");
            let request = self.device.request(Method::DELETE, &path);
            if let Some(answer) = self.attempt(request).await {
                // Gone already, if nobody could know how the attempt before ended.
                assert!(answer.is_some() || attempt > 0, "it was there");
                lock(&self.ledger).deleted(session_id);
                return;
            }
        }
    }

    /// Sends a request; nothing where it has to be sent again, and `None` within where there is nothing
    /// of that id. Fails where the answer is one that the store gave no reason for.
    async fn attempt(&mut self, request: RequestBuilder) -> Option<Option<Value>> {
        let sending = answer(request);
        let answered = if self.random.random_bool(ABORT_PROBABILITY) {
            let micros = self.random.random_range(0..=ABORT_MAX_MICROS);
            timeout(Duration::from_micros(micros), sending).await.ok()
        } else {
            Some(sending.await)
        };
        let Some(answered) = answered else {
            lock(&self.ledger).aborted_count += 1;
            return None;
        };
        let answer = answered.expect("the server answers");
        assert!(!answer.body.to_string().contains(SECRET_TEXT), "{answer:?}");
        match (answer.status.as_u16(), answer.body["code"].as_str()) {
            (200, _) => Some(Some(answer.body)),
            (404, Some("session_not_found")) => Some(None),
            (500, Some("internal_error")) => {
                lock(&self.ledger).internal_count += 1;
                None
            }
            _ => {
                assert!(
                    answer.is_store_away() || answer.is_store_full(),
                    "{answer:?}"
                );
                None
            }
        }
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("nobody panicked")
}
