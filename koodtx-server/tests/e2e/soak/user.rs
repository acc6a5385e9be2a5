//! A user with all devices.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::index::sample;

use super::book::{Book, Tally};
use super::old::{self, OldSessions};
use super::readers::{follow, pull_whole, settle, styles};
use super::recorder::Recorder;
use crate::support::{Device, Follower, Mirror, Server};

const RECORDERS_COUNT: u128 = 2;
/// Old sessions that a phone pushes to late, before or behind their purge.
pub const LATE_COUNT: usize = old::ENDED_COUNT / 3;
/// Longest wait for the server to purge and close what is due.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(500);

/// A user whose devices are signed in.
pub struct SignedIn {
    pub name: String,
    device: Device,
    followers: Vec<Follower>,
}

/// A user at work.
pub struct User {
    pub name: String,
    device: Device,
    book: Arc<Mutex<Book>>,
    recorders: Vec<Recorder>,
    followers: Vec<Follower>,
    /// The old sessions that will be pushed to.
    late: Vec<usize>,
}

impl SignedIn {
    pub async fn register(server: &Server, name: &str) -> Self {
        let device = Device::register(server, name).await.patient();
        let mut followers = Vec::new();
        for style in styles() {
            let id = format!("{name}-{}", followers.len());
            let device = Device::login(server, name, &id).await;
            followers.push(Follower::new(device.patient(), style));
        }
        Self {
            name: name.to_owned(),
            device,
            followers,
        }
    }

    pub fn with(self, old: OldSessions, seed: u64) -> User {
        let book = Arc::new(Mutex::new(Book::new(old)));
        let recorder = |number| Recorder::new(self.device.clone(), number, book.clone());
        let mut random = StdRng::seed_from_u64(seed);
        User {
            recorders: (0..RECORDERS_COUNT).map(recorder).collect(),
            late: sample(&mut random, old::ENDED_COUNT, LATE_COUNT).into_vec(),
            name: self.name,
            device: self.device,
            book,
            followers: self.followers,
        }
    }
}

impl User {
    /// Goes on with a server that was started again.
    pub fn go_on_at(&mut self, server: &Server) {
        self.device = self.device.at(server);
        for recorder in &mut self.recorders {
            recorder.go_on_at(self.device.clone());
        }
        for follower in &mut self.followers {
            follower.reconnect(server);
        }
    }

    /// Lets all devices work for that long; a phone comes late at every pause.
    pub async fn work(&mut self, lasting: Duration, pause: Duration) {
        let end = Instant::now() + lasting;
        let recorders: Vec<_> = std::mem::take(&mut self.recorders)
            .into_iter()
            .map(|recorder| tokio::spawn(recorder.work(end)))
            .collect();
        let followers: Vec<_> = std::mem::take(&mut self.followers)
            .into_iter()
            .map(|follower| tokio::spawn(follow(follower, self.book.clone(), end)))
            .collect();
        let whole = tokio::spawn(pull_whole(self.device.clone(), self.book.clone(), end));
        while Instant::now() + pause < end {
            tokio::time::sleep(pause).await;
            if let Some(nth) = self.late.pop() {
                self.push_late(nth).await;
            }
        }
        for recorder in recorders {
            self.recorders
                .push(recorder.await.expect("a recorder found nothing wrong"));
        }
        for follower in followers {
            self.followers
                .push(follower.await.expect("a follower found nothing wrong"));
        }
        whole.await.expect("whole copies were right");
    }

    async fn push_late(&self, nth: usize) {
        let answer = self.device.push_ok(&old::late_body(nth)).await;
        let mut book = lock(&self.book);
        book.old.answered(nth, &answer);
        book.tally.to_old += 1;
    }

    /// Pushes what is left; waits until nothing is due any more; and fails unless everything on the
    /// server and in the copies is as it has to be. Returns what is on the server.
    pub async fn settle(&mut self) -> Mirror {
        for recorder in std::mem::take(&mut self.recorders) {
            recorder.finish().await;
        }
        let began = Instant::now();
        let whole = loop {
            let whole = Follower::whole_copy(&self.device).await;
            if lock(&self.book).old.are_done(&whole.sessions) {
                break whole;
            }
            let name = &self.name;
            assert!(
                began.elapsed() < PATIENCE,
                "{name}: what is due is not done"
            );
            tokio::time::sleep(POLL).await;
        };
        lock(&self.book).check(&whole);
        for (nth, follower) in self.followers.iter_mut().enumerate() {
            let what = format!("{}'s follower {nth}", self.name);
            settle(follower, &whole, &what).await;
        }
        whole
    }

    /// What a new device of the user gets from that server.
    pub async fn whole_copy_at(&self, server: &Server) -> Mirror {
        Follower::whole_copy(&self.device.at(server)).await
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    pub fn tally(&self) -> Tally {
        self.book().tally
    }
}

/// A device that found something wrong has failed the test already.
pub fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
