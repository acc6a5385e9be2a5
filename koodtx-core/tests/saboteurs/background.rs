//! Defects of what background work asks of a store.

use koodtx_core::session::SessionState;
use koodtx_core::store::{ANALYSIS_MAX_BYTES, Analysis, FoundSessions, SessionFilter, TaskRun};
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::inner::{Inner, Purge};
use super::saboteur::{Saboteur, saboteur};

/// The session that a purge is of, as it stands now.
fn stored(inner: &Inner, call: Purge) -> Option<SessionState> {
    let mut sessions = inner.all(call.user).sessions.into_iter();
    sessions.find(|state| state.id == call.session)
}

/// The arguments, with the clock that the session has now.
fn as_it_stands(inner: &Inner, call: Purge) -> Purge {
    let state = stored(inner, call);
    Purge {
        updated_at: state.map_or(call.updated_at, |state| state.updated_at),
        ..call
    }
}

/// The filter with its moment a microsecond later.
fn moved(filter: SessionFilter) -> SessionFilter {
    match filter {
        SessionFilter::Ended { before } => SessionFilter::Ended {
            before: before.plus_micros(1),
        },
        SessionFilter::Stalled { before } => SessionFilter::Stalled {
            before: before.plus_micros(1),
        },
        SessionFilter::Created { since } => SessionFilter::Created {
            since: since.plus_micros(1),
        },
        SessionFilter::Unanalysed => SessionFilter::Unanalysed,
    }
}

pub const BACKGROUND: &[Saboteur] = &[
    saboteur(
        "a walk through sessions ends after its first step",
        Hooks {
            find: |inner, filter, after, limit| {
                Ok(FoundSessions {
                    next: None,
                    ..inner.find_sessions(filter, after, limit)?
                })
            },
            ..HONEST
        },
        &[
            "sessions_are_found_by_their_state",
            "the_edges_of_a_filter_are_exclusive",
        ],
    ),
    saboteur(
        "a filter includes the moment that it excludes",
        Hooks {
            find: |inner, filter, after, limit| inner.find_sessions(moved(filter), after, limit),
            ..HONEST
        },
        &["the_edges_of_a_filter_are_exclusive"],
    ),
    saboteur(
        "a purge is not remembered",
        Hooks {
            show: |state| SessionState {
                data_purged_at: None,
                ..state
            },
            ..HONEST
        },
        &[
            "purged_samples_are_gone_and_devices_keep_theirs",
            "a_purged_session_takes_new_samples",
        ],
    ),
    saboteur(
        "a purge does not look whether the session has changed",
        Hooks {
            purge: |inner, call| inner.purge_samples(as_it_stands(inner, call)),
            ..HONEST
        },
        &["only_an_unchanged_live_session_is_purged"],
    ),
    saboteur(
        "a session is purged once",
        Hooks {
            purge: |inner, call| {
                if stored(inner, call).is_some_and(|state| state.data_purged_at.is_some()) {
                    return Ok(Some(0));
                }
                inner.purge_samples(call)
            },
            ..HONEST
        },
        &["a_purged_session_takes_new_samples"],
    ),
    saboteur(
        "a purge takes the other sessions along",
        Hooks {
            purge: |inner, call| {
                let purged = inner.purge_samples(call)?;
                for state in inner.all(call.user).sessions {
                    inner.purge_samples(Purge {
                        session: state.id,
                        updated_at: state.updated_at,
                        ..call
                    })?;
                }
                Ok(purged)
            },
            ..HONEST
        },
        &[
            "a_purge_touches_one_session",
            "sessions_are_found_by_their_state",
            "only_an_unchanged_live_session_is_purged",
        ],
    ),
    saboteur(
        "a tombstone remembers when it was purged",
        Hooks {
            show: |state| SessionState {
                data_purged_at: state.deleted_at.or(state.data_purged_at),
                ..state
            },
            ..HONEST
        },
        &["a_deletion_ends_a_purge"],
    ),
    saboteur(
        "a closed session is said to be at the clock that it had before",
        Hooks {
            close: |inner, call, note| {
                let closed = inner.close_session(call, note)?;
                Ok(closed.map(|_| call.updated_at))
            },
            ..HONEST
        },
        &["a_closed_session_ends_with_its_last_sample"],
    ),
    saboteur(
        "a closing does not look whether the session has changed",
        Hooks {
            close: |inner, call, note| inner.close_session(as_it_stands(inner, call), note),
            ..HONEST
        },
        &["only_an_unchanged_active_session_is_closed"],
    ),
    saboteur(
        "a closing counts as the word of a device",
        Hooks {
            // The edit that is older than the closing is lost.
            push: |inner, mut command, now| {
                let mut batch = (*command.batch).clone();
                if batch.session.end_time == Some(None) {
                    batch.session.notes = None;
                }
                command.batch = batch.into();
                inner.push(command, now)
            },
            ..HONEST
        },
        &["what_a_device_said_before_wins_over_a_closing"],
    ),
    saboteur(
        "log entries are purged without a limit",
        Hooks {
            purge_logs: |inner, user, before, _| inner.purge_logs(user, before, usize::MAX),
            ..HONEST
        },
        &["old_log_entries_go_oldest_first"],
    ),
    saboteur(
        "log entries are purged of all users",
        Hooks {
            purge_logs: |inner, user, before, limit| {
                for other in inner.transfer_users(None, usize::MAX)? {
                    if other != user {
                        inner.purge_logs(other, before, limit)?;
                    }
                }
                inner.purge_logs(user, before, limit)
            },
            ..HONEST
        },
        &["log_entries_of_others_stay"],
    ),
    saboteur(
        "tidying up takes the log along",
        Hooks {
            optimise: |inner, now| {
                for user in inner.transfer_users(None, usize::MAX)? {
                    inner.purge_logs(user, now, usize::MAX)?;
                }
                inner.optimise(now)
            },
            ..HONEST
        },
        &["optimising_changes_nothing"],
    ),
    saboteur(
        "an analysis comes back in other words",
        Hooks {
            analysis: |inner, user, session| {
                let stored = inner.analysis(user, session)?;
                Ok(stored.map(|analysis| Analysis {
                    result: analysis.result.replace(' ', ""),
                    ..analysis
                }))
            },
            ..HONEST
        },
        &["an_analysis_comes_back"],
    ),
    saboteur(
        "the analysis stored last wins",
        Hooks {
            put_analysis: |inner, user, analysis| {
                let clock = inner
                    .analysis(user, analysis.session)?
                    .map_or(analysis.clock, |stored| stored.clock.max(analysis.clock));
                inner.put_analysis(user, Analysis { clock, ..analysis })
            },
            ..HONEST
        },
        &["an_earlier_analysis_replaces_no_later_one"],
    ),
    saboteur(
        "an analysis of a session's last life is taken",
        Hooks {
            put_analysis: |inner, user, analysis| {
                let sessions = inner.all(user).sessions;
                let state = sessions.iter().find(|state| state.id == analysis.session);
                let clock = state
                    .filter(|state| state.deleted_at.is_some())
                    .map_or(analysis.clock, |state| state.updated_at);
                inner.put_analysis(user, Analysis { clock, ..analysis })
            },
            ..HONEST
        },
        &["an_analysis_goes_with_its_session"],
    ),
    saboteur(
        "an analysis of purged samples is not shown",
        Hooks {
            analysis: |inner, user, session| {
                let sessions = inner.all(user).sessions;
                let state = sessions.iter().find(|state| state.id == session);
                let is_purged = state.is_some_and(|state| state.data_purged_at.is_some());
                let stored = inner.analysis(user, session)?;
                Ok(stored.filter(|_| !is_purged))
            },
            ..HONEST
        },
        &["an_analysis_outlives_the_samples"],
    ),
    saboteur(
        "an analysis is found by the id of its session alone",
        Hooks {
            analysis: |inner, _, session| {
                for user in inner.transfer_users(None, usize::MAX)? {
                    if let Some(analysis) = inner.analysis(user, session)? {
                        return Ok(Some(analysis));
                    }
                }
                Ok(None)
            },
            ..HONEST
        },
        &["an_analysis_belongs_to_its_user"],
    ),
    saboteur(
        "an analysis that is too long is cut",
        Hooks {
            put_analysis: |inner, user, mut analysis| {
                analysis.result.truncate(ANALYSIS_MAX_BYTES);
                inner.put_analysis(user, analysis)
            },
            ..HONEST
        },
        &["an_analysis_is_bounded"],
    ),
    saboteur(
        "the run stored last counts as the last",
        Hooks {
            put_task_run: |inner, run| {
                let latest = Timestamp::MAX;
                inner.put_task_run(TaskRun {
                    started_at: latest,
                    ..run
                })
            },
            ..HONEST
        },
        &["the_last_run_of_each_task_is_kept"],
    ),
];
