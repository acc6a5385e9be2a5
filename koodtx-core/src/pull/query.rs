//! What a pull asks of a store, and what it gets.

use crate::block::Block;
use crate::id::{SensorType, SessionId, SignInId, UserId};
use crate::limits::ROUND_MEMORY_MAX_MICROS;
use crate::session::SessionState;
use crate::time::Timestamp;

/// Where a page begins, in the order of `created_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// After skipping this many sessions and tombstones of the round.
    Offset(usize),
    /// Behind the session created at this user clock.
    After(Timestamp),
}

/// What names a pull round among those of one sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoundKey {
    /// The sign-in that pulls.
    pub sign_in: SignInId,
    /// The `last_sync_time` of the round.
    pub since: Option<Timestamp>,
    /// A hash of the round's other filters.
    pub filter: u64,
}

/// Whether a first page that was remembered at `at` may still be found at `now`, both wall clock.
pub fn is_round_fresh(at: Timestamp, now: Timestamp) -> bool {
    now < at.plus_micros(ROUND_MEMORY_MAX_MICROS)
}

/// One page of sessions and tombstones with `updated_at > since`, ordered by `created_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullQuery {
    /// Whose.
    pub user: UserId,
    /// Only what changed after this user clock; `None` for everything.
    pub since: Option<Timestamp>,
    /// Only these sessions; ids that do not exist are passed over.
    pub session_ids: Option<Vec<SessionId>>,
    /// Where the page begins.
    pub start: PageStart,
    /// Most sessions and tombstones of the page, at least 1.
    pub limit: usize,
    /// The round to remember (at offset 0) or to look up (elsewhere).
    pub round: Option<RoundKey>,
}

/// The head of a page, exact at `clock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullHead {
    /// The user clock of the snapshot that the head was read from.
    pub clock: Timestamp,
    /// The earliest clock remembered for [`PullQuery::round`], where the page is not at offset 0.
    pub round_clock: Option<Timestamp>,
    /// Live sessions that match, on all pages.
    pub total: u64,
    /// The page: live sessions and tombstones.
    pub sessions: Vec<SessionState>,
    /// Whether sessions or tombstones follow.
    pub has_more: bool,
}

/// A place in the order of a session's records: `(timestamp, sensor_type)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordPosition {
    /// When the sample was taken.
    pub timestamp: Timestamp,
    /// The sensor.
    pub sensor_type: SensorType,
}

/// A chunk of one session's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Whose.
    pub user: UserId,
    /// Which session.
    pub session: SessionId,
    /// Only records behind this place.
    pub after: Option<RecordPosition>,
    /// Only records that changed after this user clock.
    pub changed_after: Option<Timestamp>,
    /// About how many records to return: a store reads whole blocks until it has as many.
    pub limit: usize,
}

/// Records read in one go: all those of the session that match and lie behind the query's `after`
/// and not behind `next`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordChunk {
    /// The records of each series that has any, ordered by sensor type.
    pub series: Vec<(SensorType, Block)>,
    /// Where the next chunk begins; `None` at the end of the session.
    pub next: Option<RecordPosition>,
    /// What should be among the records and cannot be read. The same damage may stand in several
    /// chunks.
    pub damaged: Vec<Damage>,
}

/// A stretch of a series whose stored bytes are damaged. The rest of the session is not affected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The sensor.
    pub sensor_type: SensorType,
    /// Time of the first record concerned.
    pub from: Timestamp,
    /// Time of the first record behind the damage; `None` where it reaches to the end of the series.
    pub until: Option<Timestamp>,
}

impl RecordChunk {
    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.series.iter().map(|(_, block)| block.len()).sum()
    }

    /// Whether it holds none. More may follow all the same.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
