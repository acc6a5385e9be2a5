//! A device that pushes what hardly compresses, and keeps account of what it was told.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::device::{Answer, count};
use crate::support::{Device, Folder, Follower};

/// Records of a push, and random bytes in each: together about half a MiB on disk.
const RECORDS_COUNT: u64 = 64;
const RECORD_BYTES: usize = 6 * 1024;
/// Pushes under way at the same time.
const SIDE_BY_SIDE_COUNT: usize = 3;
/// Rounds of pushes that have to be refused, one after the other, before the disk counts as full.
const REFUSED_ROUNDS_COUNT: usize = 6;
/// Rounds after which a disk should have been full.
const ROUNDS_MAX_COUNT: usize = 1_000;

/// What was pushed, and what became of it.
pub struct Load {
    device: Device,
    /// How a refusal looks.
    is_refusal: fn(&Answer) -> bool,
    next: u64,
    acknowledged: Vec<u64>,
    refused: Vec<u64>,
    refusals_count: usize,
}

impl Load {
    pub fn new(device: Device, is_refusal: fn(&Answer) -> bool) -> Self {
        Self {
            device,
            is_refusal,
            next: 1,
            acknowledged: Vec::new(),
            refused: Vec::new(),
            refusals_count: 0,
        }
    }

    /// Goes on with a server that was started again.
    pub fn go_on_at(&mut self, device: Device) {
        self.device = device;
    }

    /// Pushes new sessions until every push is refused; each is either stored whole or refused.
    pub async fn push_until_full(&mut self) {
        let mut refused_rounds = 0;
        for _ in 0..ROUNDS_MAX_COUNT {
            let sessions: Vec<_> = (self.next..).take(SIDE_BY_SIDE_COUNT).collect();
            self.next += sessions.len() as u64;
            let was_acknowledged = self.push(&sessions).await;
            refused_rounds = if was_acknowledged {
                0
            } else {
                refused_rounds + 1
            };
            if refused_rounds == REFUSED_ROUNDS_COUNT {
                return;
            }
        }
        panic!("the disk does not get full");
    }

    /// Pushes everything again that was refused; returns whether all of it was stored.
    pub async fn push_refused_again(&mut self) -> bool {
        for sessions in std::mem::take(&mut self.refused).chunks(SIDE_BY_SIDE_COUNT) {
            self.push(sessions).await;
        }
        self.refused.is_empty()
    }

    /// Pushes side by side; returns whether any was stored.
    async fn push(&mut self, sessions: &[u64]) -> bool {
        let pushes = sessions
            .iter()
            .map(|&session| self.device.push(body(session).to_string()));
        let answers = join_all(pushes).await;
        let before = self.acknowledged.len();
        for (&session, answer) in sessions.iter().zip(answers) {
            let answer = answer.expect("the server answers");
            if (self.is_refusal)(&answer) {
                self.refused.push(session);
                self.refusals_count += 1;
                continue;
            }
            let answer = answer.ok();
            let (inserted, duplicates) = (count(&answer, "inserted"), count(&answer, "duplicates"));
            // A refused one may have been stored all the same, where nobody could know.
            let is_whole =
                [(RECORDS_COUNT, 0), (0, RECORDS_COUNT)].contains(&(inserted, duplicates));
            assert!(is_whole, "a push was stored in part: {answer}");
            assert_eq!(count(&answer, "session_data_count"), RECORDS_COUNT);
            self.acknowledged.push(session);
        }
        self.acknowledged.len() > before
    }

    /// Whatever was acknowledged is there whole, and nothing is there in part.
    pub async fn check(&self) {
        let copy = Follower::whole_copy(&self.device).await;
        copy.assert_counts();
        for session in &self.acknowledged {
            let body = body(*session);
            let id = body["session"]["session_id"].as_str().expect("an id");
            let stored = copy.sessions.get(id);
            let stored = stored.unwrap_or_else(|| panic!("session {session} is gone"));
            assert_eq!(stored.records.len() as u64, RECORDS_COUNT);
            for record in body["sensor_data"].as_array().expect("an array") {
                let key = crate::support::mirror::RecordKey::of(record);
                assert_eq!(stored.records.get(&key), Some(&record["data"]));
            }
        }
        for (id, session) in &copy.sessions {
            assert_eq!(
                session.records.len() as u64,
                RECORDS_COUNT,
                "{id} is there in part"
            );
        }
    }

    /// Everything that was pushed is stored; `verify` counts it.
    pub async fn check_all(&self, folder: &Folder, stop: impl FnOnce()) {
        assert!(self.refused.is_empty());
        self.check().await;
        stop();
        let records = self.acknowledged.len() as u64 * RECORDS_COUNT;
        assert_eq!(folder.verify(), records);
        folder.assert_no_panic();
    }

    pub fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// The server's log has `text`, and not for every refusal.
    pub fn assert_told_seldom(&self, folder: &Folder, text: &str) {
        let log = folder.log();
        let lines = log.matches(text).count();
        assert!(lines > 0 && lines < self.refusals_count / 5, "{log}");
    }

    /// Deletes a session that was acknowledged.
    pub async fn delete_one(&mut self) -> Answer {
        let session = self.acknowledged.pop().expect("something was stored");
        let id = Uuid::from_u128(session.into()).to_string();
        let answer = self.device.delete_session(&id).await;
        answer.expect("the server answers")
    }
}

fn body(session: u64) -> Value {
    let mut random = StdRng::seed_from_u64(session);
    let mut bytes = vec![0; RECORD_BYTES];
    let records = (0..RECORDS_COUNT).map(|number| {
        random.fill_bytes(&mut bytes);
        json!({
            "sensor_type": "blob", "timestamp": 1_700_000_000_000 + number,
            "data": { "text": BASE64_STANDARD.encode(&bytes) },
        })
    });
    let records: Vec<_> = records.collect();
    let session = json!({
        "session_id": Uuid::from_u128(session.into()).to_string(),
        "start_time": "2023-11-14T22:13:20Z",
    });
    json!({ "session": session, "sensor_data": records })
}
