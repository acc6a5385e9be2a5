//! What a user pushed, what the server promised, and what must therefore be there.

use std::collections::HashMap;

use koodtx_core::time::Timestamp;
use serde_json::Value;

use super::recording::{Recording, marker_of, marker_of_notes};
use crate::support::Mirror;
use crate::support::device::{count, time};
use crate::support::mirror::SessionCopy;

/// Entries of the sync log that a status shows.
const RECENT_SYNCS_COUNT: usize = 10;

/// All pushes of one user.
#[derive(Default)]
pub struct Ledger {
    /// By marker.
    pushes: Vec<Push>,
}

struct Push {
    recording: Recording,
    promise: Option<Promise>,
    /// Seen on the server once, so it may never be gone again.
    seen: bool,
}

/// What an answer of 200 said.
#[derive(Clone, Copy)]
pub struct Promise {
    clock: Timestamp,
    log_id: u64,
    inserted: u64,
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
        Self {
            clock: time(answer, "server_timestamp"),
            log_id: count(answer, "sync_log_id"),
            inserted,
        }
    }
}

impl Ledger {
    /// The marker of the next push.
    pub fn next_marker(&self) -> usize {
        self.pushes.len()
    }

    pub fn add(&mut self, recording: Recording) {
        assert_eq!(recording.marker, self.pushes.len());
        self.pushes.push(Push {
            recording,
            promise: None,
            seen: false,
        });
    }

    pub fn promised(&mut self, marker: usize, promise: Promise) {
        self.pushes[marker].promise = Some(promise);
    }

    pub fn acknowledged(&self) -> usize {
        self.pushes
            .iter()
            .filter(|push| push.promise.is_some())
            .count()
    }

    pub fn unanswered(&self) -> usize {
        self.pushes.len() - self.acknowledged()
    }

    /// Pushes that a client would send again.
    pub fn unanswered_recordings(&self) -> Vec<Recording> {
        let unanswered = self.pushes.iter().filter(|push| push.promise.is_none());
        unanswered.map(|push| push.recording.clone()).collect()
    }

    /// The highest user clock that an answer told.
    pub fn latest_clock(&self) -> Timestamp {
        let clocks = self
            .pushes
            .iter()
            .filter_map(|push| push.promise)
            .map(|promise| promise.clock);
        clocks.max().unwrap_or(Timestamp::ZERO)
    }

    /// Checks every push against a copy of what the server has.
    pub fn check(&mut self, copy: &Mirror) {
        copy.assert_counts();
        let mut found: HashMap<usize, usize> = HashMap::new();
        for (id, session) in &copy.sessions {
            self.check_session(id, session, &mut found);
        }
        for push in &mut self.pushes {
            let Recording {
                marker,
                records_count,
                ..
            } = push.recording;
            let records = found.get(&marker).copied().unwrap_or(0);
            let is_there = if push.recording.alone {
                copy.sessions.contains_key(&push.recording.session_id)
            } else {
                records > 0
            };
            let expected = if is_there { records_count } else { 0 };
            assert_eq!(records, expected, "push {marker} is there in part");
            assert!(
                is_there || push.promise.is_none(),
                "push {marker} was acknowledged and is gone"
            );
            assert!(is_there || !push.seen, "push {marker} was read and is gone");
            push.seen |= is_there;
        }
    }

    fn check_session(&self, id: &str, session: &SessionCopy, found: &mut HashMap<usize, usize>) {
        for (key, data) in &session.records {
            let marker = marker_of(data).unwrap_or(usize::MAX);
            let recording = self.pushes.get(marker).map(|push| &push.recording);
            let fits = recording
                .is_some_and(|recording| recording.session_id == *id && recording.holds(key, data));
            assert!(
                fits,
                "session {id} holds a record that nobody pushed: {key:?} {data}"
            );
            *found.entry(marker).or_default() += 1;
        }
        self.check_metadata(id, session);
    }

    /// The notes are those of the last push: never those of a push whose records are missing.
    fn check_metadata(&self, id: &str, session: &SessionCopy) {
        let notes = marker_of_notes(&session.metadata).and_then(|marker| self.pushes.get(marker));
        let Some(last) = notes.filter(|push| push.recording.session_id == *id) else {
            panic!(
                "session {id} has notes that nobody pushed: {}",
                session.metadata
            )
        };
        let wrote = |data: &Value| marker_of(data) == Some(last.recording.marker);
        let has_records = session.records.values().any(wrote);
        assert!(
            has_records || last.recording.records_count == 0,
            "notes without their records: {id}"
        );

        let promises = self
            .pushes
            .iter()
            .filter(|push| push.recording.session_id == *id);
        let promises: Vec<_> = promises.filter_map(|push| push.promise).collect();
        if let Some(mine) = last.promise {
            let newest = promises.iter().map(|promise| promise.clock).max();
            assert_eq!(
                Some(mine.clock),
                newest,
                "the notes of {id} are not of the last push"
            );
        }
        let updated_at = time(&session.metadata, "updated_at");
        let effective = promises.iter().filter(|promise| promise.inserted > 0);
        assert!(
            effective
                .map(|promise| promise.clock)
                .all(|clock| clock <= updated_at),
            "{id}"
        );
    }

    /// Checks the newest entries of the sync log, `copy` being what the server has.
    pub fn check_log(&self, recent: &[Value], copy: &Mirror) {
        let ids: Vec<u64> = recent.iter().map(|entry| count(entry, "id")).collect();
        assert!(ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
        // Of a short log everything is shown.
        let shown_from = if ids.len() < RECENT_SYNCS_COUNT {
            0
        } else {
            ids[ids.len() - 1]
        };
        for push in &self.pushes {
            let Some(promise) = push.promise.filter(|promise| promise.log_id >= shown_from) else {
                continue;
            };
            let entry = recent
                .iter()
                .find(|entry| count(entry, "id") == promise.log_id);
            let entry =
                entry.unwrap_or_else(|| panic!("push {} is not logged", push.recording.marker));
            assert_eq!(entry["session_id"], *push.recording.session_id);
            assert_eq!(count(entry, "inserted"), promise.inserted);
        }
        for entry in recent.iter().filter(|entry| entry["kind"] == "push") {
            assert_eq!(entry["status"], "success", "{entry}");
            let session_id = entry["session_id"].as_str().expect("a push has a session");
            assert!(
                copy.sessions.contains_key(session_id),
                "logged without being stored: {entry}"
            );
        }
        self.check_log_of_unanswered(recent, shown_from, copy);
    }

    /// A push that was stored without being acknowledged is logged all the same. (Ids of entries are
    /// never behind the user clock of what they tell of.)
    fn check_log_of_unanswered(&self, recent: &[Value], shown_from: u64, copy: &Mirror) {
        let unanswered = self.pushes.iter().filter(|push| push.promise.is_none());
        for Push { recording, .. } in unanswered.filter(|push| push.recording.alone) {
            let Some(session) = copy.sessions.get(&recording.session_id) else {
                continue;
            };
            let created_at = time(&session.metadata, "created_at")
                .as_micros()
                .unsigned_abs();
            let is_logged = recent
                .iter()
                .any(|entry| entry["session_id"] == *recording.session_id);
            assert!(
                is_logged || created_at < shown_from,
                "push {} is not logged",
                recording.marker
            );
        }
    }
}
