//! Devices that pull while others push.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::book::Book;
use super::user::lock;
use crate::support::follower::Style;
use crate::support::{Device, Follower, Mirror};

const FOLLOWING_PAUSE: Duration = Duration::from_millis(100);
const WHOLE_PAUSE: Duration = Duration::from_secs(1);
/// Rounds until a follower has everything, and is told nothing twice.
const SETTLING_ROUNDS_MAX_COUNT: usize = 3;

/// The ways of following: small answers, so that sessions change between two of them.
pub fn styles() -> [Style; 3] {
    let (size, max_records) = (5, 2_000);
    [
        Style::Pages { size },
        Style::Cursors { size, max_records },
        Style::Columns { size, max_records },
    ]
}

/// Follows round by round for that long.
pub async fn follow(mut follower: Follower, book: Arc<Mutex<Book>>, end: Instant) -> Follower {
    while Instant::now() < end {
        let changed = follower.round().await.expect("the server answers");
        {
            let mut book = lock(&book);
            book.check_meanwhile(&follower.copy, &changed);
            book.tally.rounds += 1;
        }
        tokio::time::sleep(FOLLOWING_PAUSE).await;
    }
    follower
}

/// Pulls everything again and again for that long.
pub async fn pull_whole(device: Device, book: Arc<Mutex<Book>>, end: Instant) {
    while Instant::now() < end {
        let copy = Follower::whole_copy(&device).await;
        let ids: Vec<_> = copy.sessions.keys().cloned().collect();
        {
            let mut book = lock(&book);
            book.check_meanwhile(&copy, &ids);
            book.tally.whole_pulls += 1;
        }
        tokio::time::sleep(WHOLE_PAUSE).await;
    }
}

/// Pulls what is left, and fails where the copy that grew is not what a new device gets.
pub async fn settle(follower: &mut Follower, whole: &Mirror, what: &str) {
    for _ in 0..SETTLING_ROUNDS_MAX_COUNT {
        let changed = follower.round().await.expect("the server answers");
        if changed.is_empty() {
            return assert_follows(&follower.copy, whole, what);
        }
    }
    panic!("{what}: the same comes again and again");
}

/// Like [`Mirror::assert_same`], but a device keeps samples that the server has purged, and is not told.
fn assert_follows(copy: &Mirror, whole: &Mirror, what: &str) {
    let (mut copy, mut whole) = (copy.clone(), whole.clone());
    for (id, session) in &mut whole.sessions {
        if session.metadata["data_purged_at"].is_null() {
            continue;
        }
        let kept = copy.sessions.remove(id);
        let kept = kept.unwrap_or_else(|| panic!("{what}: {id} is gone"));
        for (key, data) in &session.records {
            assert_eq!(kept.records.get(key), Some(data), "{what}: {id} {key:?}");
        }
    }
    whole
        .sessions
        .retain(|_, session| session.metadata["data_purged_at"].is_null());
    copy.assert_same(&whole, what);
}
