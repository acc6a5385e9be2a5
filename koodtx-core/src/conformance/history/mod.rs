//! Random histories: the same calls on a store and on the memory store must give the same answers.

mod background;
mod bodies;
mod dice;

use std::fmt::Debug;

use uuid::Uuid;

use self::bodies::{MANY_SAMPLES, SAMPLE_MILLIS, SENSORS};
use self::dice::Dice;
use super::failure::{Failure, Outcome, ensure_eq};
use super::harness::{Harness, push_command, read_to_end};
use super::script::{ANN, BEN, MICROS_PER_SECOND, NOON, body, everything, session_id};
use crate::id::{LogId, SensorType, SessionId, SignInId, UserId};
use crate::limits::STATUS_RECENT_SYNCS_COUNT;
use crate::memory::MemoryStore;
use crate::pull::{PageStart, PullQuery, RecordPosition, RecordQuery, RoundKey};
use crate::store::{MaintenanceStore, PushCommand, Quota, StoreError, SyncStore};
use crate::sync_log::{NewSyncLogEntry, SyncKind, SyncStatus};
use crate::time::Timestamp;

/// What a history is to be.
#[derive(Clone, Copy, Debug)]
pub struct HistoryPlan {
    /// The same seed gives the same history.
    pub seed: u64,
    /// How many calls.
    pub steps: usize,
    /// Whether the store is dropped and opened again on the way
    /// ([`Harness::with_reopen`] says how).
    pub restarts: bool,
}

const USERS: [UserId; 2] = [ANN, BEN];
const SESSIONS_COUNT: u64 = 5;
/// The first two differ where many bytes in a row are 0xFF, the others in one bit at either end.
const SESSION_IDS: [u128; SESSIONS_COUNT as usize] = [
    0x0000_0004_ffff_ffff_ffff_ffff_ffff_ffff,
    0x0000_0005_0000_0000_0000_0000_0000_0000,
    0x0000_0004_ffff_ffff_ffff_ffff_ffff_fffe,
    0x8000_0000_0000_0000_0000_0000_0000_0001,
    0x8000_0000_0000_0000_0000_0000_0000_0000,
];
/// Plays a random history on the harness's store and on a [`MemoryStore`], and compares every
/// answer: pushes, retries, conflicting pushes, late batches, deletions, revivals, pulls with every
/// option, quotas, log entries, what background work does, restarts.
///
/// # Errors
/// The first answer that differs, with the seed and the number of the step.
pub async fn run_history(plan: HistoryPlan, harness: Harness) -> Outcome {
    let mut history = History {
        dice: Dice(plan.seed),
        harness,
        model: MemoryStore::new(),
        now: NOON,
        clocks: vec![Timestamp::ZERO],
        bodies: Vec::new(),
    };
    for step in 0..plan.steps {
        history = history.step(plan.restarts).await.map_err(|failure| {
            Failure::new(format!("seed {}, step {step}: {failure}", plan.seed))
        })?;
    }
    let end = history.compare_all().await;
    end.map_err(|failure| Failure::new(format!("seed {}, at the end: {failure}", plan.seed)))
}

struct History {
    dice: Dice,
    harness: Harness,
    model: MemoryStore,
    now: Timestamp,
    /// User clocks that were answered: bounds for pulls.
    clocks: Vec<Timestamp>,
    /// Earlier pushes, for retries.
    bodies: Vec<(UserId, String)>,
}

impl History {
    async fn step(mut self, restarts: bool) -> Outcome<Self> {
        self.tick();
        match self.dice.below(100) {
            0..30 => self.push().await?,
            30..36 => self.retry().await?,
            36..41 => self.delete().await?,
            41..46 => self.background().await?,
            46..61 => self.pull().await?,
            61..78 => self.read_records().await?,
            78..84 => self.list().await?,
            84..89 => self.detail().await?,
            89..93 => self.status().await?,
            93..97 => self.log().await?,
            _ if restarts => self.harness = self.harness.reopen().await?,
            _ => self.verify().await?,
        }
        Ok(self)
    }

    fn store(&self) -> &dyn SyncStore {
        &**self.harness.sync()
    }

    /// The wall clock usually goes on, at times stands still, at times is set back.
    fn tick(&mut self) {
        let micros = match self.dice.below(10) {
            0 => 0,
            1 => -(self.dice.below(3_600) as i64) * MICROS_PER_SECOND,
            2 => 1,
            _ => self.dice.below(600) as i64 * MICROS_PER_SECOND,
        };
        self.now = self.now.plus_micros(micros);
    }

    fn user(&mut self) -> UserId {
        self.dice.pick(&USERS)
    }

    fn session(&mut self) -> SessionId {
        session_id(self.dice.pick(&SESSION_IDS))
    }

    async fn push(&mut self) -> Outcome {
        let session = self.session_text();
        let records = self.records();
        let pushed = (self.user(), body(&session, &records));
        self.bodies.push(pushed.clone());
        self.push_body(pushed).await
    }

    async fn retry(&mut self) -> Outcome {
        if self.bodies.is_empty() {
            return Ok(());
        }
        let pushed = self.dice.pick(&self.bodies);
        self.push_body(pushed).await
    }

    async fn push_body(&mut self, (user, body): (UserId, String)) -> Outcome {
        let command = PushCommand {
            quota: self.quota(user).await?,
            ..push_command(user, &body, self.now)?
        };
        let got = self.store().push(command.clone(), self.now).await;
        let wanted = self.model.push(command, self.now).await;
        if let Ok(outcome) = &wanted {
            self.clocks.push(outcome.clock);
        }
        same(got, wanted, "push")
    }

    /// Mostly none; otherwise one about what the user holds, so that it decides.
    async fn quota(&mut self, user: UserId) -> Outcome<Quota> {
        /// Room for a usual push, or for a part of it.
        const ROOM_BYTES: u64 = 4_000;
        if self.dice.one_in(2) {
            return Ok(Quota::default());
        }
        let held = self.model.status(user, 0).await?;
        let least = held.data_bytes.saturating_sub(ROOM_BYTES / 4);
        Ok(Quota {
            sessions: self.dice.one_in(3).then(|| self.dice.below(SESSIONS_COUNT)),
            bytes: self
                .dice
                .one_in(2)
                .then(|| least + self.dice.below(ROOM_BYTES)),
        })
    }

    async fn delete(&mut self) -> Outcome {
        let (user, session) = (self.user(), self.session());
        let got = self.store().delete_session(user, session, self.now).await;
        let wanted = self.model.delete_session(user, session, self.now).await;
        self.clocks.extend(wanted.iter().copied());
        same(got, wanted, "delete_session")
    }

    fn since(&mut self) -> Option<Timestamp> {
        match self.dice.below(6) {
            0 => None,
            1 => Some(self.now.plus_micros(1_000_000 * MICROS_PER_SECOND)),
            // As a client that keeps milliseconds only.
            2 => Some(Timestamp::from_millis(
                self.dice.pick(&self.clocks).as_micros() / 1_000,
            )),
            _ => Some(self.dice.pick(&self.clocks)),
        }
    }

    async fn pull(&mut self) -> Outcome {
        let since = self.since();
        let session_ids = match self.dice.below(4) {
            0 => Some((0..self.dice.below(4)).map(|_| self.session()).collect()),
            _ => None,
        };
        let start = match self.dice.below(4) {
            0 => PageStart::After(self.dice.pick(&self.clocks)),
            1 => PageStart::Offset(self.dice.below(SESSIONS_COUNT + 1) as usize),
            _ => PageStart::Offset(0),
        };
        let round = self.dice.one_in(2).then(|| RoundKey {
            sign_in: SignInId(Uuid::from_u128(u128::from(self.dice.below(2)))),
            since,
            filter: self.dice.below(2),
        });
        // Fewer rounds than a sign-in may have remembered, so that which is forgotten first, which
        // no law decides, does not show.
        let round = round
            .filter(|_| since.is_none_or(|since| self.clocks.iter().take(5).any(|&c| c == since)));
        let limit = 1 + self.dice.below(SESSIONS_COUNT) as usize;
        let query = PullQuery {
            user: self.user(),
            since,
            session_ids,
            start,
            limit,
            round,
        };
        let got = self.store().pull(query.clone(), self.now).await;
        let wanted = self.model.pull(query.clone(), self.now).await;
        same(got, wanted, &format!("{query:?}"))
    }

    async fn read_records(&mut self) -> Outcome {
        let after = self.dice.one_in(2).then(|| RecordPosition {
            timestamp: Timestamp::from_millis(
                (SAMPLE_MILLIS * self.dice.below(3 * MANY_SAMPLES)).cast_signed(),
            ),
            sensor_type: sensor(self.dice.pick(&SENSORS)),
        });
        let limits = [1, 7, 100, 5_000];
        let query = RecordQuery {
            user: self.user(),
            session: self.session(),
            after,
            changed_after: self.since(),
            limit: self.dice.pick(&limits),
        };
        self.compare_records(query).await
    }

    async fn compare_records(&self, query: RecordQuery) -> Outcome {
        let got = read_to_end(self.store(), query.clone()).await?;
        let all = RecordQuery {
            limit: usize::MAX,
            ..query.clone()
        };
        let wanted = read_to_end(&self.model, all).await?;
        // Thousands of records in a message help nobody.
        let first = got
            .iter()
            .zip(&wanted)
            .position(|(got, wanted)| got != wanted);
        let first = first.unwrap_or(got.len().min(wanted.len()));
        ensure_eq!(
            got.get(first),
            wanted.get(first),
            "{query:?}: record {first}"
        );
        Ok(())
    }

    async fn list(&mut self) -> Outcome {
        let user = self.user();
        let before = self.dice.one_in(2).then(|| self.dice.pick(&self.clocks));
        let limit = 1 + self.dice.below(SESSIONS_COUNT) as usize;
        let got = self.store().sessions(user, before, limit).await;
        let wanted = self.model.sessions(user, before, limit).await;
        same(got, wanted, "sessions")
    }

    async fn detail(&mut self) -> Outcome {
        let (user, session) = (self.user(), self.session());
        let got = self.store().session(user, session).await;
        same(got, self.model.session(user, session).await, "session")
    }

    async fn status(&mut self) -> Outcome {
        let user = self.user();
        self.compare_status(user).await
    }

    async fn compare_status(&self, user: UserId) -> Outcome {
        let got = self.store().status(user, STATUS_RECENT_SYNCS_COUNT).await;
        same(
            got,
            self.model.status(user, STATUS_RECENT_SYNCS_COUNT).await,
            "status",
        )
    }

    async fn log(&mut self) -> Outcome {
        let user = self.user();
        let entry = NewSyncLogEntry {
            kind: SyncKind::Pull,
            status: SyncStatus::Success,
            session_id: None,
            device_id: None,
            records_count: self.dice.below(1_000),
            inserted: 0,
            updated: 0,
            duplicates_count: 0,
            errors_count: 0,
            sensor_types: Vec::new(),
            body_bytes: 0,
            started_at: self.now,
            error: None,
            request_id: None,
        };
        let got: Result<LogId, StoreError> = self.store().log(user, entry.clone(), self.now).await;
        same(got, self.model.log(user, entry, self.now).await, "log")
    }

    async fn verify(&self) -> Outcome {
        let page = self
            .harness
            .maintenance()?
            .verify(None, usize::MAX - 1)
            .await?;
        ensure_eq!(page.problems, vec![], "verify finds something");
        let wanted = self.model.verify(None, usize::MAX - 1).await?;
        ensure_eq!(page, wanted, "verify");
        Ok(())
    }

    /// Everything there is to see.
    async fn compare_all(&self) -> Outcome {
        for user in USERS {
            let got = self.store().pull(everything(user), self.now).await;
            same(
                got,
                self.model.pull(everything(user), self.now).await,
                "everything",
            )?;
            self.compare_status(user).await?;
            for id in SESSION_IDS {
                let session = session_id(id);
                let limit = MANY_SAMPLES as usize;
                let query = RecordQuery {
                    user,
                    session,
                    after: None,
                    changed_after: None,
                    limit,
                };
                self.compare_records(query).await?;
            }
        }
        let (got, wanted) = (
            self.harness.maintenance()?.usage().await?,
            self.model.usage().await?,
        );
        ensure_eq!(
            (got.users, got.sessions, got.records),
            (wanted.users, wanted.sessions, wanted.records),
            "usage"
        );
        self.verify().await
    }
}

fn sensor(name: &str) -> SensorType {
    SensorType::new(name).unwrap_or_else(|error| unreachable!("{name:?}: {error}"))
}

/// Compares two answers; of errors the kind, since the words are the store's own.
fn same<T: PartialEq + Debug>(
    got: Result<T, StoreError>,
    wanted: Result<T, StoreError>,
    call: &str,
) -> Outcome {
    ensure_eq!(
        got.map_err(|e| e.kind()),
        wanted.map_err(|e| e.kind()),
        "{call}"
    );
    Ok(())
}
