//! Defects of the user clock.

use koodtx_core::session::SessionState;
use koodtx_core::store::PushOutcome;
use koodtx_core::time::{MICROS_PER_MILLI, Timestamp};

use super::broken::{HONEST, Hooks};
use super::saboteur::{Saboteur, saboteur};

fn to_the_millisecond(time: Timestamp) -> Timestamp {
    time.plus_micros(-time.as_micros().rem_euclid(MICROS_PER_MILLI))
}

pub const CLOCKS: &[Saboteur] = &[
    saboteur(
        "the wall clock is taken to the millisecond",
        Hooks {
            push: |inner, command, now| inner.push(command, to_the_millisecond(now)),
            ..HONEST
        },
        &["the_clock_follows_the_wall_clock"],
    ),
    saboteur(
        "clocks are answered to the millisecond",
        Hooks {
            push: |inner, command, now| {
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    clock: to_the_millisecond(outcome.clock),
                    ..outcome
                })
            },
            delete: |inner, user, id, now| inner.delete(user, id, now).map(to_the_millisecond),
            show: |state| SessionState {
                updated_at: to_the_millisecond(state.updated_at),
                ..state
            },
            ..HONEST
        },
        &[
            "the_clock_grows_while_time_stands_still",
            "changes_at_once_have_clocks_of_their_own",
            "the_clock_follows_the_wall_clock",
            "the_clock_goes_on_where_it_stood",
            "the_clock_grows_while_time_runs_backwards",
        ],
    ),
    saboteur(
        "the clock follows a wall clock that steps back",
        Hooks {
            push: |inner, command, now| {
                const STEP_MICROS: i64 = 1_000_000;
                let before = inner.clock(command.user);
                let outcome = inner.push(command, now)?;
                let steps_back = now.plus_micros(STEP_MICROS) <= before && outcome.clock > before;
                Ok(PushOutcome {
                    clock: if steps_back { now } else { outcome.clock },
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "the_clock_grows_while_time_runs_backwards",
            "the_clock_goes_on_where_it_stood",
        ],
    ),
    saboteur(
        "a change of metadata alone answers with the clock before it",
        Hooks {
            push: |inner, command, now| {
                let before = inner.clock(command.user);
                let is_old = inner
                    .state(command.user, command.batch.session.session_id)
                    .is_some();
                let only_metadata = is_old && command.batch.total_records == 0;
                let outcome = inner.push(command, now)?;
                Ok(PushOutcome {
                    clock: if only_metadata { before } else { outcome.clock },
                    ..outcome
                })
            },
            ..HONEST
        },
        &[
            "a_change_moves_updated_at_to_the_clock",
            "a_revived_session_keeps_its_place",
        ],
    ),
    saboteur(
        "live sessions show the user's clock as theirs",
        Hooks {
            pull: |inner, query, now| {
                let mut head = inner.pull(query, now)?;
                for state in head.sessions.iter_mut().filter(|state| state.live) {
                    state.updated_at = head.clock;
                }
                Ok(head)
            },
            ..HONEST
        },
        &[
            "a_change_moves_only_its_session",
            "a_device_that_follows_the_protocol_has_everything",
            "a_list_shows_live_sessions_as_they_are",
            "the_filter_by_session_keeps_the_others_out",
        ],
    ),
    saboteur(
        "without a change the clock is the wall clock",
        Hooks {
            pull: |inner, query, now| {
                let mut head = inner.pull(query, now)?;
                if head.clock == Timestamp::ZERO {
                    head.clock = now;
                }
                Ok(head)
            },
            ..HONEST
        },
        &["without_a_change_the_clock_is_zero"],
    ),
];
