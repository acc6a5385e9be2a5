//! The remembered first pages of pull rounds.
//!
//! They are written without waiting for the disk: whoever finds none repeats work and loses nothing.

use koodtx_core::id::UserId;
use koodtx_core::limits::ROUNDS_PER_SIGN_IN_MAX_COUNT;
use koodtx_core::pull::{RoundKey, is_round_fresh};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::erase;
use crate::error::Result;
use crate::key::Key;
use crate::record;
use crate::store::Inner;
use crate::values::{Entry, Values, WriteSet};

#[derive(Debug, Serialize, Deserialize)]
struct FirstPage {
    /// The user clock that the page was read at.
    clock: Timestamp,
    /// When it was remembered, by the wall clock.
    at: Timestamp,
}

/// The clock remembered for a round.
pub(crate) fn clock(
    values: &Values,
    user: UserId,
    round: &RoundKey,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let page: Option<FirstPage> = record::get(values, &Key::round(user, round))?;
    Ok(page
        .filter(|page| is_round_fresh(page.at, now))
        .map(|page| page.clock))
}

/// Whether a remembered page is too old to be found.
pub(crate) fn is_stale(values: &Values, entry: &Entry, now: Timestamp) -> Result<bool> {
    let page: FirstPage = record::load(values, entry)?;
    Ok(!is_round_fresh(page.at, now))
}

/// Remembers the clock of a first page, unless an earlier one of the same round is remembered.
pub(crate) fn remember(
    inner: &Inner,
    user: UserId,
    round: &RoundKey,
    clock: Timestamp,
    now: Timestamp,
) -> Result<()> {
    // Pulls of one user run side by side; this alone is read and written in one go.
    let _alone = inner.rounds.lock();
    if self::clock(&inner.values, user, round, now)?.is_some()
        // The deletion held the lock of the user alone, which the caller shares.
        || erase::is_deleted(&inner.values, user)?
    {
        return Ok(());
    }
    let mut set = WriteSet::reclaiming(&inner.values);
    let mut fresh = Vec::new();
    for entry in inner.values.scan_prefix(&Key::rounds(user, round.sign_in)) {
        let entry = entry?;
        let page: FirstPage = record::load(&inner.values, &entry)?;
        if is_round_fresh(page.at, now) {
            fresh.push((page.at, entry));
        } else {
            set.remove_entry(&entry);
        }
    }
    if fresh.len() >= ROUNDS_PER_SIGN_IN_MAX_COUNT
        && let Some((_, oldest)) = fresh.iter().min_by_key(|(at, _)| *at)
    {
        set.remove_entry(oldest);
    }
    record::put(
        &mut set,
        &Key::round(user, round),
        &FirstPage { clock, at: now },
    )?;
    inner.journal.write(set)?;
    Ok(())
}
