//! Counting anew what is counted.

use koodtx_core::block::OpenEnd;
use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::SessionPosition;

use crate::blocks::{SeriesKey, first_time};
use crate::erase;
use crate::error::{Failure, Result};
use crate::key::{Key, Table};
use crate::series::{self, SeriesRecord};
use crate::session::{self, SessionRecord};
use crate::store::Inner;
use crate::user::UserRecord;
use crate::values::WriteSet;
use crate::verify;

/// Counts one session or tombstone anew, and the totals of its user where it is the user's last one.
/// The caller holds the user's lock alone.
pub(crate) fn repair(inner: &Inner, position: SessionPosition) -> Result<Vec<String>> {
    let user = position.0;
    if erase::is_deleted(&inner.values, user)? {
        if erase::is_leaving(&inner.values, user)? {
            return Ok(Vec::new());
        }
        erase::again(inner, user)?;
        return Ok(vec![format!(
            "user {user}: was deleted, and what was left is to be erased now"
        )]);
    }
    let mut repaired = session(inner, position)?;
    let next = verify::entries(inner, Some(position)).next().transpose()?;
    let next = next.map(|entry| session::place(entry.key())).transpose()?;
    if next.is_none_or(|(user, _)| user != position.0) {
        repaired.extend(totals(inner, position.0)?);
    }
    Ok(repaired)
}

fn session(inner: &Inner, (user_id, created_at): SessionPosition) -> Result<Vec<String>> {
    let record = match SessionRecord::at(&inner.values, user_id, created_at) {
        Ok(Some(record)) => record,
        // What cannot be read cannot be counted.
        Ok(None) | Err(Failure::Corrupt(_)) => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let stored = if record.state.live {
        series::all(&inner.values, user_id, record.life)?
    } else {
        // What a life that ended has left is for the janitor.
        Vec::new()
    };
    let mut set = WriteSet::new(&inner.values);
    let mut repaired = Vec::new();
    let mut state = record.state.clone();
    let place = format!("user {user_id}, session {}", state.id);
    (state.data_count, state.data_bytes, state.series_count) = (0, 0, 0);
    for (sensor_type, stored) in &stored {
        let key = SeriesKey::of(user_id, &record, sensor_type, stored);
        let counted = match count(inner, &key) {
            Ok(counted) => counted,
            // How much a damaged block holds is not known.
            Err(Failure::Corrupt(_)) => return Ok(Vec::new()),
            Err(failure) => return Err(failure),
        };
        let Some((counted, bytes)) = counted else {
            set.remove(&Key::one_series(user_id, record.life, sensor_type))?;
            repaired.push(format!(
                "{place}, sensor {sensor_type}: a series of nothing removed"
            ));
            continue;
        };
        state.data_count += counted.count;
        state.data_bytes += bytes;
        state.series_count += 1;
        if counted != *stored {
            repaired.push(format!(
                "{place}, sensor {sensor_type}: {} records counted, were {}, between {} and {}",
                counted.count, stored.count, counted.first, counted.last
            ));
            counted.write(&mut set, user_id, record.life, sensor_type)?;
        }
    }
    let old = record.state;
    if let Some(wrong) = state.recounted(&old, user_id) {
        repaired.push(wrong);
        let mut user = UserRecord::read(&inner.values, user_id)?;
        user.recount(Some(&old), &state);
        user.write(&mut set, user_id)?;
        let life = record.life;
        SessionRecord { state, life }.write(&mut set, user_id, Some(&old))?;
    }
    if !repaired.is_empty() {
        inner.journal.commit(set)?;
    }
    Ok(repaired)
}

/// What the blocks of a series come to, and their `data_bytes`; `None` where there are none.
fn count(inner: &Inner, key: &SeriesKey<'_>) -> Result<Option<(SeriesRecord, u64)>> {
    let mut counted: Option<SeriesRecord> = None;
    let mut bytes = 0;
    let mut open: Option<OpenEnd> = None;
    for entry in key.scan(&inner.values) {
        let entry = entry?;
        let first = first_time(&entry)?;
        let meta = key.meta(&inner.values, &entry)?;
        let block = key.decode(&inner.values, &entry)?;
        if block.meta() != Some(meta) || meta.first != first {
            return Err(Failure::corrupt("a block is not what it says"));
        }
        if entry.is_in(Table::OpenBlock) {
            open = OpenEnd::of_blocks(open, &block);
        }
        bytes += block.data_bytes();
        let before = counted.take();
        counted = Some(SeriesRecord {
            number: key.number,
            count: before.as_ref().map_or(0, |before| before.count) + u64::from(meta.count),
            first: before.map_or(first, |before| before.first),
            last: meta.last,
            open: None,
        });
    }
    if open.map(|open| open.blocks) != key.open.map(|open| open.blocks) {
        return Err(Failure::corrupt("a block of the open end is missing"));
    }
    Ok(counted.map(|counted| (SeriesRecord { open, ..counted }, bytes)))
}

/// Adds up all sessions of a user.
fn totals(inner: &Inner, user_id: UserId) -> Result<Option<String>> {
    let stored = match UserRecord::read(&inner.values, user_id) {
        Ok(stored) => stored,
        Err(Failure::Corrupt(_)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let mut counted = UserRecord {
        live: 0,
        active: 0,
        records: 0,
        data_bytes: 0,
        ..stored.clone()
    };
    let sessions = Key::sessions(user_id);
    for entry in inner.values.scan_prefix(&sessions) {
        match SessionRecord::load(&inner.values, &entry?) {
            Ok(record) => counted.recount(None, &record.state),
            // Nobody knows what it would add.
            Err(Failure::Corrupt(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
    let (before, now) = (stored.totals(), counted.totals());
    let Some(repaired) = SessionState::totals_recounted(before, now, user_id) else {
        return Ok(None);
    };
    let mut set = WriteSet::new(&inner.values);
    counted.write(&mut set, user_id)?;
    inner.journal.commit(set)?;
    Ok(Some(repaired))
}
