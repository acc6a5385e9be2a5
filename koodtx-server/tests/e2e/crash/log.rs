//! Whether the sync log tells what was promised, and nothing that did not happen.

use serde_json::Value;

use super::ledger::{Deletion, Ledger, Push};
use crate::support::Mirror;
use crate::support::device::{count, time};

/// Entries of the sync log that a status shows.
const RECENT_SYNCS_COUNT: usize = 10;

impl Ledger {
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
            let marker = push.recording.marker;
            let entry = entry.unwrap_or_else(|| panic!("push {marker} is not logged"));
            assert_eq!(entry["session_id"], *push.recording.session_id);
            assert_eq!(count(entry, "inserted"), promise.inserted);
        }
        for entry in recent.iter().filter(|entry| entry["kind"] == "push") {
            assert_eq!(entry["status"], "success", "{entry}");
            let session_id = entry["session_id"].as_str().expect("a push has a session");
            let is_stored = copy.sessions.contains_key(session_id);
            assert!(
                is_stored || self.is_deleted(session_id),
                "logged and not stored: {entry}"
            );
        }
        // Each change but a deletion is logged under an id that is not behind the user clock of the
        // change; so this tells, for a user who deletes nothing, which changes must be shown.
        if self.pushes.iter().all(|push| push.deletion == Deletion::No) {
            self.check_log_of_unanswered(recent, shown_from, copy);
        }
    }

    /// A push that was stored without being acknowledged is logged all the same.
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
            let is_shown = created_at >= shown_from;
            assert!(
                is_logged || !is_shown,
                "push {} is not logged",
                recording.marker
            );
        }
    }

    fn is_deleted(&self, session_id: &str) -> bool {
        let markers = self.sessions.get(session_id).into_iter().flatten();
        markers
            .map(|marker| &self.pushes[*marker])
            .any(|push| push.deletion != Deletion::No)
    }
}
