//! Defects of remembering rounds.

use koodtx_core::id::SignInId;
use koodtx_core::pull::{PageStart, PullHead, PullQuery, RoundKey};
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
    ),
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
