//! What a user sent, and what the server promised.

use std::collections::{BTreeMap, BTreeSet};

use koodtx_core::time::Timestamp;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use serde_json::Value;

use super::recording::Recording;
use crate::support::device::{count, time};

/// All pushes of one user, with the deletions of their sessions.
#[derive(Default)]
pub struct Ledger {
    /// By marker.
    pub(super) pushes: Vec<Push>,
    /// Markers of the pushes to each session.
    pub(super) sessions: BTreeMap<String, Vec<usize>>,
    /// Sessions that were touched since they were last checked.
    pub(super) unchecked: BTreeSet<String>,
    /// The highest user clock of an answer.
    latest: Timestamp,
}

pub(super) struct Push {
    pub(super) recording: Recording,
    pub(super) promise: Option<Promise>,
    pub(super) deletion: Deletion,
    /// Seen on the server once, so only a deletion may take it away.
    pub(super) seen: bool,
}

/// What an answer of 200 to a push said.
#[derive(Clone, Copy)]
pub struct Promise {
    pub(super) clock: Timestamp,
    pub(super) log_id: u64,
    pub(super) inserted: u64,
}

/// How far the deletion of a push's session got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    No,
    /// Sent, but no answer came: it happened or it did not.
    Unanswered,
    /// Acknowledged, or seen to have happened.
    Done,
}

impl Promise {
    /// Reads an answer, and fails where it tells of a half-stored push.
    pub fn of(recording: &Recording, answer: &Value) -> Self {
        let total = recording.records_count as u64;
        let (inserted, duplicates) = (count(answer, "inserted"), count(answer, "duplicates"));
        let whole = (inserted, duplicates) == (total, 0);
        let there_already = (inserted, duplicates) == (0, total);
        assert!(
            whole || there_already,
            "a push was stored in part: {answer}"
        );
        assert_eq!(
            (count(answer, "updated"), count(answer, "errors")),
            (0, 0),
            "{answer}"
        );
        assert_eq!(count(answer, "total_records"), total, "{answer}");
        if recording.alone {
            assert_eq!(count(answer, "session_data_count"), total, "{answer}");
        }
        let (clock, log_id) = (
            time(answer, "server_timestamp"),
            count(answer, "sync_log_id"),
        );
        Self {
            clock,
            log_id,
            inserted,
        }
    }
}

impl Ledger {
    /// The marker of the next push.
    pub fn next_marker(&self) -> usize {
        self.pushes.len()
    }

    /// Notes a push that is about to be sent.
    pub fn add(&mut self, recording: Recording) {
        assert_eq!(recording.marker, self.pushes.len());
        let session = recording.session_id.clone();
        self.sessions
            .entry(session.clone())
            .or_default()
            .push(recording.marker);
        self.unchecked.insert(session);
        self.pushes.push(Push {
            recording,
            promise: None,
            deletion: Deletion::No,
            seen: false,
        });
    }

    pub fn promised(&mut self, marker: usize, promise: Promise) {
        let push = &mut self.pushes[marker];
        push.promise = Some(promise);
        self.latest = self.latest.max(promise.clock);
        self.unchecked.insert(push.recording.session_id.clone());
    }

    /// Chooses a push with a session of its own and notes that the deletion of that session is about
    /// to be sent; its marker and the session's id.
    pub fn begin_deletion(&mut self, random: &mut StdRng) -> Option<(usize, String)> {
        let may_go = |push: &&mut Push| {
            push.recording.alone && push.promise.is_some() && push.deletion == Deletion::No
        };
        let push = self.pushes.iter_mut().filter(may_go).choose(random)?;
        push.deletion = Deletion::Unanswered;
        let Recording {
            marker, session_id, ..
        } = push.recording.clone();
        self.unchecked.insert(session_id.clone());
        Some((marker, session_id))
    }

    pub fn deleted(&mut self, marker: usize, answer: &Value) {
        self.pushes[marker].deletion = Deletion::Done;
        self.latest = self.latest.max(time(answer, "server_timestamp"));
    }

    /// Pushes that a client would send again.
    pub fn unanswered_recordings(&self) -> Vec<Recording> {
        let unanswered = self.pushes.iter().filter(|push| push.promise.is_none());
        unanswered.map(|push| push.recording.clone()).collect()
    }

    /// The highest user clock that an answer told.
    pub fn latest_clock(&self) -> Timestamp {
        self.latest
    }

    pub fn tally(&self) -> Tally {
        let count = |wanted: fn(&&Push) -> bool| self.pushes.iter().filter(wanted).count();
        Tally {
            acknowledged: count(|push| push.promise.is_some()),
            unanswered_and_stored: count(|push| push.promise.is_none() && push.seen),
            unanswered_and_absent: count(|push| push.promise.is_none() && !push.seen),
            deleted: count(|push| push.deletion == Deletion::Done),
        }
    }
}

/// How many pushes ended how.
#[derive(Debug)]
pub struct Tally {
    pub acknowledged: usize,
    pub unanswered_and_stored: usize,
    pub unanswered_and_absent: usize,
    pub deleted: usize,
}
