//! Defects of pages.

use koodtx_core::pull::{PageStart, PullHead, PullQuery};
use koodtx_core::session::SessionState;

use super::broken::{HONEST, Hooks};
use super::saboteur::{Saboteur, saboteur};

const FIRST: PageStart = PageStart::Offset(0);

pub const PAGES: &[Saboteur] = &[
    saboteur(
        "the bound is inclusive",
        Hooks {
            pull: |inner, mut query, now| {
                query.since = query.since.map(|since| since.plus_micros(-1));
                inner.pull(query, now)
            },
            ..HONEST
        },
        &[
            "the_bound_is_exclusive",
            "a_deleted_session_shows_as_a_tombstone",
            "a_device_that_follows_the_protocol_has_everything",
            "a_retry_moves_no_clock",
            "the_filter_by_session_keeps_the_others_out",
            "total_counts_live_sessions_on_all_pages",
        ],
    ),
    saboteur(
        "the clock of a pull is never before what the client says",
        Hooks {
            pull: |inner, query, now| {
                let since = query.since.unwrap_or_default();
                let head = inner.pull(query, now)?;
                Ok(PullHead {
                    clock: head.clock.max(since),
                    ..head
                })
            },
            ..HONEST
        },
        &["a_since_ahead_of_the_clock_returns_the_true_clock"],
    ),
    saboteur(
        "a page is ordered by session id",
        Hooks {
            pull: |inner, query, now| {
                let mut head = inner.pull(query, now)?;
                head.sessions.sort_by_key(|state| state.id);
                Ok(head)
            },
            ..HONEST
        },
        &[
            "sessions_come_in_the_order_of_creation",
            "a_change_between_pages_shifts_nothing",
            "a_revived_session_keeps_its_place",
            "has_more_is_exact",
            "offset_and_keyset_give_the_same_pages",
            "the_bound_is_exclusive",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "pages by offset are ordered by the latest change",
        Hooks {
            pull: |inner, query, now| {
                let (limit, PageStart::Offset(offset)) = (query.limit, query.start) else {
                    return inner.pull(query, now);
                };
                // The clocks are those of the page asked for; the sessions those of all pages.
                let asked = inner.pull(query.clone(), now)?;
                let whole = PullQuery {
                    start: FIRST,
                    limit: usize::MAX,
                    round: None,
                    ..query
                };
                let mut all = inner.pull(whole, now)?.sessions;
                all.sort_by_key(|state| state.updated_at);
                let sessions = all.into_iter().skip(offset).take(limit).collect();
                Ok(PullHead { sessions, ..asked })
            },
            ..HONEST
        },
        &[
            "a_change_between_pages_shifts_nothing",
            "a_revived_session_keeps_its_place",
            "has_more_is_exact",
            "offset_and_keyset_give_the_same_pages",
            "sessions_come_in_the_order_of_creation",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "a page behind a session begins with that session",
        Hooks {
            pull: |inner, mut query, now| {
                if let PageStart::After(created) = &mut query.start {
                    *created = created.plus_micros(-1);
                }
                inner.pull(query, now)
            },
            ..HONEST
        },
        &[
            "offset_and_keyset_give_the_same_pages",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "total counts tombstones",
        Hooks {
            pull: |inner, query, now| {
                let whole = PullQuery {
                    start: FIRST,
                    limit: usize::MAX,
                    round: None,
                    ..query.clone()
                };
                let total = inner.pull(whole, now)?.sessions.len() as u64;
                Ok(PullHead {
                    total,
                    ..inner.pull(query, now)?
                })
            },
            ..HONEST
        },
        &[
            "total_counts_live_sessions_on_all_pages",
            "a_deleted_session_shows_as_a_tombstone",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "total is that of the page",
        Hooks {
            pull: |inner, query, now| {
                let head = inner.pull(query, now)?;
                let total = head.sessions.iter().filter(|state| state.live).count() as u64;
                Ok(PullHead { total, ..head })
            },
            ..HONEST
        },
        &["total_counts_live_sessions_on_all_pages"],
    ),
    saboteur(
        "a full page is taken for one that others follow",
        Hooks {
            pull: |inner, query, now| {
                let limit = query.limit;
                let head = inner.pull(query, now)?;
                Ok(PullHead {
                    has_more: head.sessions.len() == limit,
                    ..head
                })
            },
            ..HONEST
        },
        &["has_more_is_exact"],
    ),
    saboteur(
        "a filter without sessions lets all of them through",
        Hooks {
            pull: |inner, mut query, now| {
                query.session_ids = query.session_ids.filter(|ids| !ids.is_empty());
                inner.pull(query, now)
            },
            ..HONEST
        },
        &["the_filter_by_session_keeps_the_others_out"],
    ),
    saboteur(
        "a session that is asked for comes whether it changed or not",
        Hooks {
            pull: |inner, mut query, now| {
                query.since = query.since.filter(|_| query.session_ids.is_none());
                inner.pull(query, now)
            },
            ..HONEST
        },
        &["the_filter_by_session_keeps_the_others_out"],
    ),
    saboteur(
        "a revived session does not tell that it was deleted",
        Hooks {
            show: |state| {
                let deleted_at = state.deleted_at.filter(|_| !state.live);
                SessionState {
                    deleted_at,
                    ..state
                }
            },
            ..HONEST
        },
        &["a_device_that_follows_the_protocol_has_everything"],
    ),
];
