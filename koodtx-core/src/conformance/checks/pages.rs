//! Pages of a pull.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, RUN, WALK, everything, samples, session, session_id, session_with,
};
use crate::id::SessionId;
use crate::pull::{PageStart, PullHead, PullQuery};
use crate::time::Timestamp;

/// Creates sessions 1 to 7 in an order that is not that of their ids, deletes one and changes
/// another. Returns the ids in the order in which the server first saw them.
pub(super) async fn seven_sessions(h: &Harness) -> Outcome<Vec<SessionId>> {
    let ids: Vec<_> = [4, 2, 7, 1, 6, 3, 5].into_iter().map(session_id).collect();
    for id in &ids {
        h.push(ANN, &session(*id), &samples("gps", 0..2)).await?;
    }
    h.delete(ANN, ids[2]).await?;
    h.push(ANN, &session_with(ids[0], r#""notes":"changed""#), &[])
        .await?;
    Ok(ids)
}

fn ids(head: &PullHead) -> Vec<SessionId> {
    head.sessions.iter().map(|state| state.id).collect()
}

/// A pull returns what changed after `since`, not at it.
pub(crate) async fn the_bound_is_exclusive(h: &Harness) -> Outcome {
    let first = h.push(ANN, &session(RUN), &[]).await?.clock;
    let second = h.push(ANN, &session(WALK), &[]).await?.clock;
    let just_before = first.plus_micros(-1);
    ensure_eq!(
        ids(&h.pull_since(ANN, just_before).await?),
        [RUN, WALK],
        "just before both"
    );
    ensure_eq!(
        ids(&h.pull_since(ANN, first).await?),
        [WALK],
        "since the first"
    );
    let last = h.pull_since(ANN, second).await?;
    ensure_eq!((ids(&last), last.total), (vec![], 0), "since the second");
    Ok(())
}

/// A `since` ahead of the user clock returns nothing and the true clock, so that a confused client
/// heals itself.
pub(crate) async fn a_since_ahead_of_the_clock_returns_the_true_clock(h: &Harness) -> Outcome {
    let clock = h.push(ANN, &session(RUN), &[]).await?.clock;
    let head = h.pull_since(ANN, Timestamp::MAX).await?;
    ensure_eq!(
        (head.clock, head.sessions),
        (clock, vec![]),
        "clock, sessions"
    );
    Ok(())
}

/// Sessions come in the order in which the server first saw them.
pub(crate) async fn sessions_come_in_the_order_of_creation(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    let head = h.pull(everything(ANN)).await?;
    ensure_eq!(ids(&head), created, "the order of a pull");
    Ok(())
}

/// A session that changes between two pages keeps its place: nothing shifts across a page border.
pub(crate) async fn a_change_between_pages_shifts_nothing(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    let mut seen = Vec::new();
    for page in 0..4 {
        let start = PageStart::Offset(page * 2);
        let head = h
            .pull(PullQuery {
                start,
                limit: 2,
                ..everything(ANN)
            })
            .await?;
        seen.extend(ids(&head));
        // One that was on an earlier page, one that is on a later one.
        for id in [created[0], created[6]] {
            let notes = format!(r#""notes":"page {page}""#);
            h.push(ANN, &session_with(id, &notes), &[]).await?;
        }
    }
    ensure_eq!(seen, created, "all pages together");
    Ok(())
}

/// Pages by offset and pages that go on behind the last session are the same pages.
pub(crate) async fn offset_and_keyset_give_the_same_pages(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    let all = h.pull(everything(ANN)).await?;
    // `None`: all seven; else what changed after the third session was created.
    for since in [None, Some(all.sessions[2].created_at)] {
        for limit in 1..=created.len() {
            let mut start = PageStart::Offset(0);
            let mut offset = 0;
            loop {
                let query = PullQuery {
                    since,
                    limit,
                    ..everything(ANN)
                };
                let by_key = h
                    .pull(PullQuery {
                        start,
                        ..query.clone()
                    })
                    .await?;
                let start_at = PageStart::Offset(offset);
                let by_offset = h
                    .pull(PullQuery {
                        start: start_at,
                        ..query
                    })
                    .await?;
                ensure_eq!(
                    by_key,
                    by_offset,
                    "page of {limit} at {offset} since {since:?}"
                );
                offset += by_key.sessions.len();
                match by_key.sessions.last() {
                    Some(last) if by_key.has_more => start = PageStart::After(last.created_at),
                    _ => break,
                }
                ensure!(offset <= created.len(), "pages of {limit} do not end");
            }
        }
    }
    Ok(())
}

/// `total` counts the live sessions of all pages, tombstones not.
pub(crate) async fn total_counts_live_sessions_on_all_pages(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    for page in 0..4 {
        let start = PageStart::Offset(page * 2);
        let head = h
            .pull(PullQuery {
                start,
                limit: 2,
                ..everything(ANN)
            })
            .await?;
        ensure_eq!(head.total, 6, "total of everything, on page {page}");
    }
    let changed = h.state(ANN, created[4]).await?.created_at;
    let since = PullQuery {
        since: Some(changed),
        limit: 1,
        ..everything(ANN)
    };
    ensure_eq!(
        h.pull(since).await?.total,
        3,
        "total of what changed since the fifth session"
    );
    Ok(())
}

/// `has_more` says exactly whether sessions or tombstones follow.
pub(crate) async fn has_more_is_exact(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    let count = created.len();
    for limit in 1..=count + 1 {
        for offset in 0..=count + 1 {
            let start = PageStart::Offset(offset);
            let head = h
                .pull(PullQuery {
                    start,
                    limit,
                    ..everything(ANN)
                })
                .await?;
            let expected: Vec<_> = created.iter().skip(offset).take(limit).copied().collect();
            ensure_eq!(ids(&head), expected, "{limit} sessions at {offset}");
            ensure_eq!(
                head.has_more,
                offset + limit < count,
                "more than {limit} at {offset}"
            );
        }
    }
    Ok(())
}

/// A pull may name the sessions it wants; ids that do not exist are passed over.
pub(crate) async fn the_filter_by_session_keeps_the_others_out(h: &Harness) -> Outcome {
    let created = seven_sessions(h).await?;
    // Out of order, twice, and one that is unknown. The third is a tombstone.
    let wanted = vec![
        created[5],
        created[2],
        session_id(99),
        created[2],
        created[1],
    ];
    let query = PullQuery {
        session_ids: Some(wanted),
        ..everything(ANN)
    };
    let head = h.pull(query.clone()).await?;
    ensure_eq!(
        ids(&head),
        [created[1], created[2], created[5]],
        "the sessions asked for"
    );
    ensure_eq!((head.total, head.has_more), (2, false), "total, has_more");

    let [second, _, sixth] = &head.sessions[..] else {
        return Err(Failure::new("three sessions"));
    };
    let start = PageStart::After(second.created_at);
    let page = h
        .pull(PullQuery {
            start,
            limit: 1,
            ..query.clone()
        })
        .await?;
    ensure_eq!(
        (ids(&page), page.has_more),
        (vec![created[2]], true),
        "the second page of one"
    );
    let since = Some(sixth.updated_at);
    let changed = h.pull(PullQuery { since, ..query }).await?;
    ensure_eq!(
        ids(&changed),
        [created[2]],
        "those asked for that changed since"
    );

    let nothing = PullQuery {
        session_ids: Some(vec![]),
        ..everything(ANN)
    };
    ensure_eq!(h.pull(nothing).await?.sessions, [], "no session asked for");
    Ok(())
}
