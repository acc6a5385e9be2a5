//! Whether a copy of what the server has agrees with what was sent and promised.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ledger::{Deletion, Ledger, Promise, Push};
use super::recording::{marker_of, marker_of_notes};
use crate::support::Mirror;
use crate::support::device::time;
use crate::support::mirror::SessionCopy;

impl Ledger {
    /// Checks the sessions that changed on the server or were touched since the last check.
    pub fn check_touched(&mut self, copy: &Mirror, changed: Vec<String>) {
        let mut touched = std::mem::take(&mut self.unchecked);
        touched.extend(changed);
        for id in touched {
            self.check_session(&id, copy.sessions.get(&id));
        }
    }

    /// Checks every session.
    pub fn check_all(&mut self, copy: &Mirror) {
        let ids: Vec<_> = copy
            .sessions
            .keys()
            .chain(self.sessions.keys())
            .cloned()
            .collect();
        for id in ids {
            self.check_session(&id, copy.sessions.get(&id));
        }
    }

    fn check_session(&mut self, id: &str, session: Option<&SessionCopy>) {
        let markers = self
            .sessions
            .get(id)
            .unwrap_or_else(|| panic!("nobody pushed session {id}"));
        let mut found = BTreeMap::new();
        if let Some(session) = session {
            session.assert_count();
            found = self.count_records(id, session);
            self.check_metadata(id, session, markers);
        }
        for marker in markers.clone() {
            let records = found.get(&marker).copied().unwrap_or(0);
            let push = &mut self.pushes[marker];
            // A push of no records to a session of its own leaves the session.
            let is_there = if push.recording.alone {
                session.is_some()
            } else {
                records > 0
            };
            let expected = if is_there {
                push.recording.records_count
            } else {
                0
            };
            assert_eq!(records, expected, "push {marker} is there in part");
            push.check_presence(is_there);
        }
    }

    /// Records of each push, after checking that each is as it was sent.
    fn count_records(&self, id: &str, session: &SessionCopy) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        for (key, data) in &session.records {
            let marker = marker_of(data).unwrap_or(usize::MAX);
            let recording = self.pushes.get(marker).map(|push| &push.recording);
            let fits = recording.is_some_and(|sent| sent.session_id == id && sent.holds(key, data));
            assert!(
                fits,
                "session {id} holds a record that nobody pushed: {key:?} {data}"
            );
            *found.entry(marker).or_default() += 1;
        }
        found
    }

    /// The notes are those of the last push: never those of a push whose records are missing.
    fn check_metadata(&self, id: &str, session: &SessionCopy, markers: &[usize]) {
        let last = marker_of_notes(&session.metadata).filter(|marker| markers.contains(marker));
        let last = last.unwrap_or_else(|| panic!("nobody pushed the notes: {}", session.metadata));
        let last = &self.pushes[last];
        let wrote = |data: &Value| marker_of(data) == Some(last.recording.marker);
        let has_records = session.records.values().any(wrote);
        assert!(
            has_records || last.recording.records_count == 0,
            "notes without records: {id}"
        );

        let promises: Vec<Promise> = markers
            .iter()
            .filter_map(|marker| self.pushes[*marker].promise)
            .collect();
        if let Some(mine) = last.promise {
            let newest = promises.iter().map(|promise| promise.clock).max();
            assert_eq!(
                Some(mine.clock),
                newest,
                "the notes of {id} are not of the last push"
            );
        }
        let updated_at = time(&session.metadata, "updated_at");
        let mut effective = promises.iter().filter(|promise| promise.inserted > 0);
        assert!(
            effective.all(|promise| promise.clock <= updated_at),
            "updated_at of {id}"
        );
    }
}

impl Push {
    fn check_presence(&mut self, is_there: bool) {
        let marker = self.recording.marker;
        match (self.deletion, is_there) {
            (Deletion::No, false) => {
                assert!(
                    self.promise.is_none(),
                    "push {marker} was acknowledged and is gone"
                );
                assert!(!self.seen, "push {marker} was read and is gone");
            }
            // It may not come back.
            (Deletion::Unanswered, false) => self.deletion = Deletion::Done,
            (Deletion::Done, true) => panic!("push {marker} was deleted and is there"),
            (Deletion::No | Deletion::Unanswered, true) => self.seen = true,
            (Deletion::Done, false) => {}
        }
    }
}
