//! Defects of the sync log, of lists and of totals.

use koodtx_core::store::{SessionList, StoreError, StoreErrorKind, UserStatus};
use koodtx_core::sync_log::{SyncKind, SyncLogEntry, SyncStatus};

use super::broken::{HONEST, Hooks};
use super::inner::{Answer, Inner};
use super::saboteur::{Saboteur, saboteur};
use koodtx_core::id::{LogId, UserId};

/// A status whose log entries are other ones.
fn with_log(
    inner: &Inner,
    user: UserId,
    recent: usize,
    change: impl FnOnce(&mut Vec<SyncLogEntry>),
) -> Answer<UserStatus> {
    let mut status = inner.status(user, recent)?;
    change(&mut status.recent_syncs);
    Ok(status)
}

pub const LOGS: &[Saboteur] = &[
    saboteur(
        "the bound of log entries is inclusive",
        Hooks {
            log_entries: |inner, user, after, limit| {
                let after = after.map(|after| LogId(after.0 - 1));
                inner.log_entries(user, after, limit)
            },
            ..HONEST
        },
        &["the_log_is_read_in_steps"],
    ),
    saboteur(
        "log entries are read the newest first",
        Hooks {
            log_entries: |inner, user, after, limit| {
                let mut entries = inner.log_entries(user, after, usize::MAX)?;
                entries.reverse();
                entries.truncate(limit);
                Ok(entries)
            },
            ..HONEST
        },
        &["the_log_is_read_in_steps"],
    ),
    saboteur(
        "the device of a push is not logged",
        Hooks {
            push: |inner, mut command, now| {
                command.device_id = None;
                inner.push(command, now)
            },
            ..HONEST
        },
        &["a_push_is_logged"],
    ),
    saboteur(
        "the request of a push is not logged",
        Hooks {
            push: |inner, mut command, now| {
                command.request_id = None;
                inner.push(command, now)
            },
            ..HONEST
        },
        &["a_push_is_logged"],
    ),
    saboteur(
        "the request of an entry is not kept",
        Hooks {
            log: |inner, user, mut entry, now| {
                entry.request_id = None;
                inner.log(user, entry, now)
            },
            ..HONEST
        },
        &["a_logged_entry_comes_back"],
    ),
    saboteur(
        "a push is logged twice",
        Hooks {
            push: |inner, command, now| {
                let user = command.user;
                let outcome = inner.push(command, now)?;
                let logged = inner.status(user, 1)?.recent_syncs.remove(0);
                inner.log(user, logged.entry, now)?;
                Ok(outcome)
            },
            ..HONEST
        },
        &[
            "a_push_is_logged",
            "a_push_without_effect_is_logged",
            "a_status_shows_as_many_entries_as_asked",
            "log_entries_come_newest_first",
            "the_log_is_read_in_steps",
        ],
    ),
    saboteur(
        "a push is a success, whatever was refused",
        Hooks {
            status: |inner, user, recent| {
                with_log(inner, user, recent, |log| {
                    for SyncLogEntry { entry, .. } in log {
                        if entry.kind == SyncKind::Push {
                            entry.status = SyncStatus::Success;
                        }
                    }
                })
            },
            ..HONEST
        },
        &["a_push_with_errors_is_logged_as_partial"],
    ),
    saboteur(
        "a push of duplicates is not logged",
        Hooks {
            status: |inner, user, recent| {
                with_log(inner, user, recent, |log| {
                    log.retain(|SyncLogEntry { entry, .. }| {
                        entry.duplicates_count == 0 || entry.inserted + entry.updated > 0
                    });
                })
            },
            ..HONEST
        },
        &["a_push_without_effect_is_logged"],
    ),
    saboteur(
        "the error of an entry is not kept",
        Hooks {
            log: |inner, user, mut entry, now| {
                entry.error = None;
                inner.log(user, entry, now)
            },
            ..HONEST
        },
        &["a_logged_entry_comes_back"],
    ),
    saboteur(
        "log entries come the oldest first",
        Hooks {
            status: |inner, user, recent| with_log(inner, user, recent, |log| log.reverse()),
            ..HONEST
        },
        &[
            "log_entries_come_newest_first",
            "a_push_is_logged",
            "a_push_without_effect_is_logged",
        ],
    ),
    saboteur(
        "a status shows one entry at least",
        Hooks {
            status: |inner, user, recent| inner.status(user, recent.max(1)),
            ..HONEST
        },
        &["a_status_shows_as_many_entries_as_asked"],
    ),
];

pub const LISTS: &[Saboteur] = &[
    saboteur(
        "a list is ordered by the latest change",
        Hooks {
            sessions: |inner, user, before, limit| {
                let mut all = inner.sessions(user, before, usize::MAX)?.sessions;
                all.sort_by_key(|state| std::cmp::Reverse(state.updated_at));
                let has_more = all.len() > limit;
                all.truncate(limit);
                Ok(SessionList {
                    sessions: all,
                    has_more,
                })
            },
            ..HONEST
        },
        &["sessions_are_listed_newest_first"],
    ),
    saboteur(
        "a list goes on with the session that it ended with",
        Hooks {
            sessions: |inner, user, before, limit| {
                inner.sessions(user, before.map(|created| created.plus_micros(1)), limit)
            },
            ..HONEST
        },
        &["sessions_are_listed_newest_first"],
    ),
    saboteur(
        "a full list is taken for one that others follow",
        Hooks {
            sessions: |inner, user, before, limit| {
                let list = inner.sessions(user, before, limit)?;
                Ok(SessionList {
                    has_more: list.sessions.len() == limit,
                    ..list
                })
            },
            ..HONEST
        },
        &[
            "a_list_ends_where_it_says",
            "a_list_shows_live_sessions_as_they_are",
        ],
    ),
    saboteur(
        "a list does not know how many records there are",
        Hooks {
            sessions: |inner, user, before, limit| {
                let mut list = inner.sessions(user, before, limit)?;
                list.sessions
                    .iter_mut()
                    .for_each(|state| state.data_count = 0);
                Ok(list)
            },
            ..HONEST
        },
        &["a_list_shows_live_sessions_as_they_are"],
    ),
    saboteur(
        "the range of a series ends with the record that came last",
        Hooks {
            session: |inner, user, id| {
                let records = inner.records(user, id);
                let mut detail = inner.session(user, id)?;
                for series in detail.iter_mut().flat_map(|detail| &mut detail.series) {
                    let of_series = records
                        .iter()
                        .filter(|(k, _)| k.sensor_type == series.sensor_type);
                    let newest = of_series.max_by_key(|(_, record)| record.changed);
                    series.last = newest.map_or(series.last, |(place, _)| place.timestamp);
                }
                Ok(detail)
            },
            ..HONEST
        },
        &["a_detail_gives_count_and_range_of_each_series"],
    ),
    saboteur(
        "the detail of an unknown session is an error",
        Hooks {
            session: |inner, user, id| match inner.state(user, id) {
                Some(_) => inner.session(user, id),
                None => Err(StoreError::new(
                    StoreErrorKind::NotFound,
                    "session",
                    "no session",
                )),
            },
            ..HONEST
        },
        &[
            "an_unknown_session_has_no_detail",
            "a_user_sees_nothing_of_another",
        ],
    ),
    saboteur(
        "every session counts as active",
        Hooks {
            status: |inner, user, recent| {
                let status = inner.status(user, recent)?;
                Ok(UserStatus {
                    active_sessions: status.total_sessions,
                    ..status
                })
            },
            ..HONEST
        },
        &["totals_follow_every_change"],
    ),
    saboteur(
        "deleted sessions still count",
        Hooks {
            status: |inner, user, recent| {
                let total_sessions = inner.all(user).sessions.len() as u64;
                Ok(UserStatus {
                    total_sessions,
                    ..inner.status(user, recent)?
                })
            },
            ..HONEST
        },
        &["totals_follow_every_change"],
    ),
];
