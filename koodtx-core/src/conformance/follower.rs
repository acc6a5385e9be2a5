//! A device that follows the loop of protocol section 5, and what it ends up with.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::id::{SensorType, SessionId, SignInId, UserId};
use crate::pull::{PageStart, PullQuery, RecordQuery, RoundKey};
use crate::session::SessionState;
use crate::store::SyncStore;
use crate::time::Timestamp;

use super::failure::{Failure, Outcome};
use super::harness::read_to_end;
use super::script::NOON;

/// What a device sees of a user: every live session with its values.
pub type Copy = BTreeMap<SessionId, SessionCopy>;

/// A device's copy of a session: what a pull shows, so no stamps.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionCopy {
    /// The metadata, in the order of the protocol's wire format.
    pub metadata: String,
    /// `data` of each record.
    pub records: BTreeMap<(Timestamp, SensorType), String>,
}

/// Most pages of one round; a store that always says `has_more` would keep a device for ever.
const ROUND_PAGES_MAX_COUNT: usize = 10_000;
const CHUNK_RECORDS: usize = 100;

/// A device that pulls round by round.
#[derive(Debug)]
pub struct Follower {
    user: UserId,
    sign_in: SignInId,
    page_size: usize,
    changes_only: bool,
    since: Option<Timestamp>,
    copy: Copy,
}

impl Follower {
    /// A device that has nothing yet. `changes_only` is that of a pull request.
    pub fn new(user: UserId, page_size: usize, changes_only: bool) -> Self {
        let sign_in = SignInId(Uuid::from_u128(1));
        Self {
            user,
            sign_in,
            page_size,
            changes_only,
            since: None,
            copy: Copy::new(),
        }
    }

    /// What the device has.
    pub fn copy(&self) -> &Copy {
        &self.copy
    }

    /// Pulls all pages of one round. Returns how many sessions and tombstones came.
    pub async fn round(&mut self, store: &dyn SyncStore) -> Outcome<usize> {
        let mut received = 0;
        for page in 0..ROUND_PAGES_MAX_COUNT {
            let query = PullQuery {
                user: self.user,
                since: self.since,
                session_ids: None,
                start: PageStart::Offset(page * self.page_size),
                limit: self.page_size,
                round: Some(RoundKey {
                    sign_in: self.sign_in,
                    since: self.since,
                    filter: 0,
                }),
            };
            // The protocol lets a client take the `server_timestamp` of any page; the last one is
            // the hardest to get right.
            let head = store.pull(query, NOON).await?;
            let server_timestamp = if page == 0 {
                Some(head.clock)
            } else {
                head.round_clock.or(self.since)
            };
            received += head.sessions.len();
            for state in head.sessions {
                self.apply(store, state).await?;
            }
            if !head.has_more {
                self.since = server_timestamp;
                return Ok(received);
            }
        }
        Err(Failure::new("a round of pulls does not end"))
    }

    async fn apply(&mut self, store: &dyn SyncStore, state: SessionState) -> Outcome {
        if !state.live {
            self.copy.remove(&state.id);
            return Ok(());
        }
        // A session that was deleted and revived since the last round lost its old records.
        let was_deleted = state.deleted_at > self.since;
        let changed_after = self.since.filter(|_| self.changes_only && !was_deleted);
        let query = RecordQuery {
            user: self.user,
            session: state.id,
            after: None,
            changed_after,
            limit: CHUNK_RECORDS,
        };
        let records = read_to_end(store, query).await?;
        let kept = self
            .copy
            .remove(&state.id)
            .filter(|_| changed_after.is_some());
        let mut copy = SessionCopy {
            metadata: metadata(&state),
            records: kept.map_or_else(BTreeMap::new, |kept| kept.records),
        };
        for (sensor_type, record) in records {
            copy.records
                .insert((record.timestamp, sensor_type), record.data);
        }
        self.copy.insert(state.id, copy);
        Ok(())
    }
}

/// What a device that asks for everything at once would see.
pub async fn whole_copy(store: &dyn SyncStore, user: UserId) -> Outcome<Copy> {
    let mut device = Follower::new(user, usize::from(u16::MAX), false);
    device.round(store).await?;
    Ok(device.copy)
}

/// What a client sees of a session's metadata.
pub fn metadata(state: &SessionState) -> String {
    let fields = &state.fields;
    format!(
        "{} start={} end={:?} active={} sensors={:?} rate={:?} count={} notes={:?} created={} updated={}",
        state.id,
        fields.start_time(),
        fields.end_time(),
        fields.is_active(),
        fields.enabled_sensors(),
        fields.sample_rate(),
        state.data_count,
        fields.notes(),
        state.created_at,
        state.updated_at,
    )
}
