//! What a store keeps of one session, and the transitions that a push or a deletion makes.

use serde::{Deserialize, Serialize};

use super::{SessionFields, SessionPatch};
use crate::block::MergeCounts;
use crate::id::{SessionId, UserId};
use crate::limits::{NOTES_MAX_CHARS, SESSION_SENSOR_TYPES_MAX_COUNT, too_many_sensor_types};
use crate::register::{Effect, Register, Stamp};
use crate::store::{Held, Quota, StoreError};
use crate::time::{Tick, Timestamp};

/// Everything stored of one session apart from its records.
///
/// A deleted session stays as a tombstone (`live` is false) with the same `created_at`, so it keeps
/// its place in every pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// The session.
    pub id: SessionId,
    /// User clock at which the server first saw the session. Never changes, is unique within the
    /// user, and is the order of every list of sessions.
    pub created_at: Timestamp,
    /// User clock of the last effective change.
    pub updated_at: Timestamp,
    /// User clock of the latest deletion, also after a later push revived the session.
    pub deleted_at: Option<Timestamp>,
    /// False for a tombstone.
    pub live: bool,
    /// The metadata; empty for a tombstone.
    pub fields: SessionFields,
    /// Distinct dedup keys stored.
    pub data_count: u64,
    /// What the records stored count towards a quota, in bytes
    /// ([`Block::data_bytes`](crate::block::Block::data_bytes)). An import counts it anew: what was written
    /// before there were quotas does not know it.
    #[serde(default)]
    pub data_bytes: u64,
    /// Distinct sensor types stored: the number of series.
    pub series_count: u64,
    /// Wall clock at which samples of the session were last purged because of their age. Those that
    /// were pushed since are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_purged_at: Option<Timestamp>,
}

/// Whether a push may touch a session.
#[derive(Clone, Debug)]
pub enum Admission {
    /// The push is older than the session's deletion: nothing is written and every record of it
    /// counts as a duplicate. Holds the session as stored.
    Stale(SessionState),
    /// The push merges; its metadata already is.
    Admitted(SessionMerge),
}

/// A session in the middle of a push: metadata merged, records still to be counted.
#[derive(Clone, Debug)]
pub struct SessionMerge {
    state: SessionState,
    /// Whether the session was live, and what its records counted, before the push.
    before: Held,
    tick: Tick,
    effect: Effect,
}

/// What a push leaves to be written of a session.
#[derive(Clone, Debug)]
pub struct SessionWrite {
    /// The session as it has to be stored.
    pub state: SessionState,
    /// `Kept`: write nothing. `Raised`: write the state, keep the user clock. `Changed`: write the
    /// state and make the tick the user's clock.
    pub effect: Effect,
}

impl SessionState {
    /// Merges a push's metadata into the stored session (`None`: never seen) at `tick`.
    pub fn admit(stored: Option<Self>, patch: &SessionPatch, tick: Tick) -> Admission {
        let stamp = Stamp::new(patch.updated_at, tick);
        let before = stored.as_ref().map_or_else(Held::default, Self::held);
        let (mut state, mut effect) = match stored {
            Some(state)
                if state
                    .deleted_at
                    .is_some_and(|deletion| stamp.at() < deletion) =>
            {
                return Admission::Stale(state);
            }
            Some(state) => {
                let effect = if state.live {
                    Effect::Kept
                } else {
                    Effect::Changed
                };
                (
                    Self {
                        live: true,
                        ..state
                    },
                    effect,
                )
            }
            None => (Self::new(patch.session_id, tick), Effect::Changed),
        };
        effect = effect.max(state.fields.write(patch, stamp));
        Admission::Admitted(SessionMerge {
            state,
            before,
            tick,
            effect,
        })
    }

    fn new(id: SessionId, tick: Tick) -> Self {
        Self {
            id,
            created_at: tick.at(),
            updated_at: tick.at(),
            deleted_at: None,
            live: true,
            fields: SessionFields::default(),
            data_count: 0,
            data_bytes: 0,
            series_count: 0,
            data_purged_at: None,
        }
    }

    /// What a user holds by having this session.
    fn held(&self) -> Held {
        Held {
            sessions: self.live.into(),
            data_bytes: self.data_bytes,
        }
    }

    /// The tombstone of this session, deleted at `tick`. The caller removes the records.
    #[must_use]
    pub fn delete(self, tick: Tick) -> Self {
        Self {
            updated_at: tick.at(),
            deleted_at: Some(tick.at()),
            live: false,
            fields: SessionFields::default(),
            data_count: 0,
            data_bytes: 0,
            series_count: 0,
            data_purged_at: None,
            ..self
        }
    }

    /// The session without its records, purged at `now`. It has not changed as far as devices are
    /// concerned: what they have of it they keep. The caller removes the records.
    #[must_use]
    pub fn purge(self, now: Timestamp) -> Self {
        Self {
            data_count: 0,
            data_bytes: 0,
            series_count: 0,
            data_purged_at: Some(now),
            ..self
        }
    }

    /// The session ended by the server at `tick`, because its device does not say that it is over.
    ///
    /// It ends with its last sample (`last_sample`; without one, where it began), unless it has an end
    /// already, and `note` becomes the last line of its notes, where there is room for it. Each field
    /// is written with the earliest stamp that wins over the stored one: whatever a device says of it,
    /// also an edit made offline long before, wins over what the server guessed.
    #[must_use]
    pub fn close(mut self, last_sample: Option<Timestamp>, note: &str, tick: Tick) -> Self {
        let fields = &mut self.fields;
        let start = fields.start_time();
        if fields.end_time().is_none() {
            let end = last_sample.map_or(start, |last| last.max(start));
            yielding(&mut fields.end_time, Some(end));
        }
        yielding(&mut fields.is_active, false);
        let notes = fields.notes().unwrap_or_default();
        if notes.lines().last() != Some(note) {
            let line_break = if notes.is_empty() { "" } else { "\n" };
            let notes = format!("{notes}{line_break}{note}");
            if notes.chars().count() <= NOTES_MAX_CHARS {
                yielding(&mut fields.notes, Some(notes));
            }
        }
        self.updated_at = tick.at();
        self
    }

    /// Counts a session anew that was `old` (`None`: not there) and is `new`, in the totals of its user:
    /// live sessions, those of them that are still recording, records, and `data_bytes`.
    pub fn recount(totals: [&mut u64; 4], old: Option<&Self>, new: &Self) {
        let counts = |state: &Self| {
            let is_recording = state.live && state.fields.is_active();
            [
                state.live.into(),
                is_recording.into(),
                state.data_count,
                state.data_bytes,
            ]
        };
        let before: [u64; 4] = old.map_or([0; 4], counts);
        for (total, (before, after)) in totals.into_iter().zip(before.into_iter().zip(counts(new)))
        {
            *total = total.saturating_sub(before).saturating_add(after);
        }
    }

    /// What a repair says that has counted a session of `user` anew, which was counted as `before`; `None`
    /// where that was right.
    pub fn recounted(&self, before: &Self, user: UserId) -> Option<String> {
        let counts = |state: &Self| (state.data_count, state.series_count, state.data_bytes);
        let (now, was) = (counts(self), counts(before));
        (now != was).then(|| {
            format!(
                "user {user}, session {}: {} records in {} series with {} bytes counted, were {} in {} \
                 with {}",
                self.id, now.0, now.1, now.2, was.0, was.1, was.2
            )
        })
    }

    /// What a repair says that has added up the sessions of `user` anew, whose totals (in the order of
    /// [`recount`](Self::recount)) were `before`; `None` where they were right.
    pub fn totals_recounted(before: [u64; 4], now: [u64; 4], user: UserId) -> Option<String> {
        let ([live, active, records, bytes], was) = (now, before);
        (now != before).then(|| {
            format!(
                "user {user}: {live} live sessions, {active} of them recording, with {records} records of \
                 {bytes} bytes counted, were {}, {}, {} and {}",
                was[0], was[1], was[2], was[3]
            )
        })
    }

    /// Whether the server holds an upload of the session: so for every session that is not deleted,
    /// since a session comes to be only by a push.
    pub fn is_uploaded(&self) -> bool {
        self.live
    }
}

/// Writes a register so that any later write by a device wins.
fn yielding<T>(slot: &mut Option<Register<T>>, value: T) {
    let stored = slot.as_ref().map(|register| register.stamp);
    *slot = Some(Register {
        stamp: stored.map_or(Timestamp::ZERO, |stamp| stamp.plus_micros(1)),
        value,
    });
}

impl SessionMerge {
    /// Takes in what merging the records of one series did; `new_series` where the session had no
    /// record of that sensor type before.
    pub fn count_records(&mut self, counts: &MergeCounts, effect: Effect, new_series: bool) {
        self.state.data_count += counts.inserted;
        // What was stored before there were quotas is not counted yet, and may become less than that.
        let data_bytes = self
            .state
            .data_bytes
            .saturating_add_signed(counts.added_bytes);
        self.state.data_bytes = data_bytes;
        self.state.series_count += u64::from(new_series);
        self.effect = self.effect.max(effect);
    }

    /// What is left to write. `held` is what the user holds before the push, all sessions together.
    ///
    /// # Errors
    /// [`StoreErrorKind::QuotaExceeded`](crate::store::StoreErrorKind::QuotaExceeded) when the user would
    /// hold more than before, and more than `quota` allows;
    /// [`StoreErrorKind::LimitExceeded`](crate::store::StoreErrorKind::LimitExceeded) when the
    /// session would hold more than [`SESSION_SENSOR_TYPES_MAX_COUNT`] sensor types; the store then
    /// writes nothing of the push.
    pub fn finish(mut self, quota: Quota, held: Held) -> Result<SessionWrite, StoreError> {
        if self.state.series_count > SESSION_SENSOR_TYPES_MAX_COUNT as u64 {
            return Err(StoreError::limit_exceeded("push", too_many_sensor_types()));
        }
        let (before, after) = (self.before, self.state.held());
        let then = Held {
            sessions: held.sessions.saturating_sub(before.sessions) + after.sessions,
            data_bytes: held.data_bytes.saturating_sub(before.data_bytes) + after.data_bytes,
        };
        quota.check(held, then)?;
        if self.effect == Effect::Changed {
            self.state.updated_at = self.tick.at();
        }
        Ok(SessionWrite {
            state: self.state,
            effect: self.effect,
        })
    }
}
