//! The head of a pull.

use std::collections::{BTreeMap, BinaryHeap};

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::pull::{PageStart, PullHead, PullQuery};
use koodtx_core::session::SessionState;
use koodtx_core::store::{SessionDetail, SessionList};
use koodtx_core::time::Timestamp;

use crate::error::Result;
use crate::key::Key;
use crate::rounds;
use crate::series;
use crate::session::{self, SessionRecord};
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::Values;

/// Reads one page. The caller shares the user's lock.
pub(crate) fn pull(inner: &Inner, query: &PullQuery, now: Timestamp) -> Result<PullHead> {
    let user = UserRecord::read(&inner.values, query.user)?;
    let (total, mut sessions) = match (&query.session_ids, query.since) {
        (Some(ids), since) => named(&inner.values, query, ids, since)?,
        (None, Some(since)) => changed(&inner.values, query, since)?,
        (None, None) => (user.live, all(&inner.values, query)?),
    };
    let has_more = sessions.len() > query.limit;
    sessions.truncate(query.limit);
    let mut head = PullHead {
        clock: user.clock,
        round_clock: None,
        total,
        sessions,
        has_more,
    };
    match query.round {
        // A page that nothing follows begins no round.
        Some(_) if query.start == PageStart::Offset(0) && !has_more => {}
        Some(round) if query.start == PageStart::Offset(0) => {
            rounds::remember(inner, query.user, &round, user.clock, now)?;
        }
        Some(round) => head.round_clock = rounds::clock(&inner.values, query.user, &round, now)?,
        None => {}
    }
    Ok(head)
}

/// The page, and one session more if there is one, out of everything a user has.
fn all(values: &Values, query: &PullQuery) -> Result<Vec<SessionState>> {
    let (from, skip) = match query.start {
        PageStart::Offset(offset) => (Key::sessions(query.user), offset),
        PageStart::After(created_at) => (Key::session(query.user, created_at.plus_micros(1)), 0),
    };
    values
        .scan(&from, &Key::sessions(query.user).end())
        .skip(skip)
        .take(query.limit.saturating_add(1))
        .map(|entry| Ok(SessionRecord::load(values, &entry?)?.state))
        .collect()
}

/// The page out of what changed after `since`: costs what changed, not what is stored.
fn changed(
    values: &Values,
    query: &PullQuery,
    since: Timestamp,
) -> Result<(u64, Vec<SessionState>)> {
    let mut page = Page::new(query);
    let mut total = 0;
    for change in session::changes(values, query.user, since) {
        let change = change?;
        total += u64::from(change.live);
        page.offer(change.created_at);
    }
    let sessions = page.into_places().into_iter().map(|created_at| {
        SessionRecord::at(values, query.user, created_at)?
            .map(|record| record.state)
            .ok_or_else(|| session::missing(query.user, created_at))
    });
    Ok((total, sessions.collect::<Result<_>>()?))
}

/// The page out of the named sessions.
fn named(
    values: &Values,
    query: &PullQuery,
    ids: &[SessionId],
    since: Option<Timestamp>,
) -> Result<(u64, Vec<SessionState>)> {
    let mut matching = BTreeMap::new();
    for &id in ids {
        if let Some(SessionRecord { state, .. }) = SessionRecord::find(values, query.user, id)?
            && since.is_none_or(|since| state.updated_at > since)
        {
            matching.insert(state.created_at, state);
        }
    }
    let total = matching.values().filter(|state| state.live).count() as u64;
    let skip = match query.start {
        PageStart::Offset(offset) => offset,
        PageStart::After(after) => matching.range(..=after).count(),
    };
    let page = matching
        .into_values()
        .skip(skip)
        .take(query.limit.saturating_add(1))
        .collect();
    Ok((total, page))
}

/// The sessions of a page and one more, found among any number of candidates in any order without
/// keeping more of them than that.
struct Page {
    after: Option<Timestamp>,
    skip: usize,
    room: usize,
    /// The smallest places seen, the largest of them on top.
    smallest: BinaryHeap<Timestamp>,
}

impl Page {
    fn new(query: &PullQuery) -> Self {
        let (after, skip) = match query.start {
            PageStart::Offset(offset) => (None, offset),
            PageStart::After(created_at) => (Some(created_at), 0),
        };
        let room = skip.saturating_add(query.limit).saturating_add(1);
        Self {
            after,
            skip,
            room,
            smallest: BinaryHeap::new(),
        }
    }

    fn offer(&mut self, created_at: Timestamp) {
        if self.after.is_none_or(|after| created_at > after) {
            self.smallest.push(created_at);
            if self.smallest.len() > self.room {
                self.smallest.pop();
            }
        }
    }

    fn into_places(self) -> Vec<Timestamp> {
        let mut places = self.smallest.into_sorted_vec();
        places.drain(..self.skip.min(places.len()));
        places
    }
}

/// Live sessions created before `before`, the newest first. The caller shares the user's lock.
pub(crate) fn sessions(
    inner: &Inner,
    user: UserId,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<SessionList> {
    let from = Key::sessions(user);
    let end = before.map_or_else(|| from.end(), |before| Key::session(user, before));
    let mut list = SessionList::default();
    for entry in inner.values.scan(&from, &end).rev() {
        let SessionRecord { state, .. } = SessionRecord::load(&inner.values, &entry?)?;
        if !state.live {
            continue;
        }
        if list.sessions.len() == limit {
            list.has_more = true;
            break;
        }
        list.sessions.push(state);
    }
    Ok(list)
}

/// One live session with its series. The caller shares the user's lock.
pub(crate) fn session(inner: &Inner, user: UserId, id: SessionId) -> Result<Option<SessionDetail>> {
    let Some(record) =
        SessionRecord::find(&inner.values, user, id)?.filter(|record| record.state.live)
    else {
        return Ok(None);
    };
    let series = series::all(&inner.values, user, record.life)?;
    Ok(Some(SessionDetail {
        state: record.state,
        series: series
            .into_iter()
            .map(|(sensor_type, one)| one.stats(sensor_type))
            .collect(),
    }))
}
