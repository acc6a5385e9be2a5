//! Defects of pages and rounds.

use koodtx_core::id::SignInId;
use koodtx_core::pull::{PageStart, PullHead, PullQuery, RoundKey};
use koodtx_core::session::SessionState;
use koodtx_core::time::Timestamp;
use uuid::Uuid;

use super::broken::{HONEST, Hooks};
use super::inner::{Answer, Inner};
use super::saboteur::{Saboteur, saboteur};

const FIRST: PageStart = PageStart::Offset(0);

/// A pull whose round is another one.
fn with_round(
    inner: &Inner,
    query: PullQuery,
    now: Timestamp,
    change: impl Fn(&mut RoundKey),
) -> Answer<PullHead> {
    let mut query = query;
    query.round.iter_mut().for_each(change);
    inner.pull(query, now)
}

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
    )
    .or_maybe_by(&["a_device_beside_writers_misses_nothing"]),
];

/// Room for as many rounds behind each filter.
const ROUNDS_A_FILTER: u64 = 1 << 20;

pub const ROUNDS: &[Saboteur] = &[
    saboteur(
        "a later page answers with its own clock",
        Hooks {
            pull: |inner, query, now| {
                let head = inner.pull(query, now)?;
                Ok(PullHead {
                    round_clock: head.round_clock.map(|_| head.clock),
                    ..head
                })
            },
            ..HONEST
        },
        &[
            "a_later_page_finds_the_clock_of_the_first",
            "other_rounds_do_not_interfere",
            "the_earliest_of_several_first_pages_counts",
        ],
    )
    .or_maybe_by(&["a_device_beside_writers_misses_nothing"]),
    saboteur(
        "a later page finds nothing behind a session",
        Hooks {
            pull: |inner, mut query, now| {
                query.round = query
                    .round
                    .filter(|_| matches!(query.start, PageStart::Offset(_)));
                inner.pull(query, now)
            },
            ..HONEST
        },
        &["a_later_page_finds_the_clock_of_the_first"],
    ),
    saboteur(
        "the newest of several first pages is remembered",
        Hooks {
            pull: |inner, query, now| {
                let is_first = query.start == FIRST && query.round.is_some();
                let number = {
                    let mut notes = inner.notes.lock();
                    notes.rounds += u64::from(is_first);
                    notes.rounds
                };
                // Every first page begins a round of its own, and later pages look up the newest
                // that has their key.
                let of = |round: &RoundKey, number| RoundKey {
                    filter: round.filter * ROUNDS_A_FILTER + number,
                    ..*round
                };
                let Some(round) = query.round else {
                    return inner.pull(query, now);
                };
                for number in (1..=number).rev() {
                    let round = Some(of(&round, number));
                    let head = inner.pull(
                        PullQuery {
                            round,
                            ..query.clone()
                        },
                        now,
                    )?;
                    if is_first || head.round_clock.is_some() {
                        return Ok(head);
                    }
                }
                inner.pull(
                    PullQuery {
                        round: None,
                        ..query
                    },
                    now,
                )
            },
            ..HONEST
        },
        &["the_earliest_of_several_first_pages_counts"],
    ),
    saboteur(
        "a first page without a successor is remembered",
        Hooks {
            pull: |inner, query, now| {
                let Some(round) = query.round else {
                    return inner.pull(query, now);
                };
                let (is_first, key) = (query.start == FIRST, (query.user, round));
                let head = inner.pull(query, now)?;
                let mut notes = inner.notes.lock();
                if is_first && !head.has_more {
                    notes.lone_pages.entry(key).or_insert(head.clock);
                }
                let remembered = notes.lone_pages.get(&key).filter(|_| !is_first);
                Ok(PullHead {
                    round_clock: remembered.copied().or(head.round_clock),
                    ..head
                })
            },
            ..HONEST
        },
        &["a_page_without_a_successor_is_not_remembered"],
    ),
    saboteur(
        "a later page is remembered as a first one",
        Hooks {
            pull: |inner, query, now| {
                let head = inner.pull(query.clone(), now)?;
                if query.round.is_some() {
                    inner.pull(
                        PullQuery {
                            start: FIRST,
                            ..query
                        },
                        now,
                    )?;
                }
                Ok(head)
            },
            ..HONEST
        },
        &[
            "without_a_first_page_no_round_is_found",
            "other_rounds_do_not_interfere",
        ],
    ),
    saboteur(
        "rounds of all sign-ins are one",
        Hooks {
            pull: |inner, query, now| {
                with_round(inner, query, now, |round| {
                    round.sign_in = SignInId(Uuid::nil());
                })
            },
            ..HONEST
        },
        &["other_rounds_do_not_interfere"],
    ),
    saboteur(
        "rounds since any time are one",
        Hooks {
            pull: |inner, query, now| with_round(inner, query, now, |round| round.since = None),
            ..HONEST
        },
        &[
            "other_rounds_do_not_interfere",
            "a_device_that_follows_the_protocol_has_everything",
        ],
    ),
    saboteur(
        "rounds with any filter are one",
        Hooks {
            pull: |inner, query, now| with_round(inner, query, now, |round| round.filter = 0),
            ..HONEST
        },
        &["other_rounds_do_not_interfere"],
    ),
];
