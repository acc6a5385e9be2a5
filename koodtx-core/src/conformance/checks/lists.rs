//! Lists, details and totals of sessions.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{
    ANN, RUN, WALK, record, samples, sensor, session, session_id, session_with,
};
use crate::store::SeriesStats;
use crate::time::Timestamp;

/// Sessions are listed the newest first, page by page, each once.
pub(crate) async fn sessions_are_listed_newest_first(h: &Harness) -> Outcome {
    let ids: Vec<_> = [3, 1, 5, 2, 4].into_iter().map(session_id).collect();
    for id in &ids {
        h.push(ANN, &session(*id), &[]).await?;
    }
    // A change does not make a session newer.
    h.push(ANN, &session_with(ids[0], r#""notes":"changed""#), &[])
        .await?;
    for limit in 1..=ids.len() + 1 {
        let (mut seen, mut before) = (Vec::new(), None);
        while seen.len() <= ids.len() {
            let page = h.sync().sessions(ANN, before, limit).await?;
            seen.extend(page.sessions.iter().map(|state| state.id));
            match page.sessions.last() {
                Some(last) if page.has_more => before = Some(last.created_at),
                _ => break,
            }
        }
        let expected: Vec<_> = ids.iter().rev().copied().collect();
        ensure_eq!(seen, expected, "all pages of {limit} together");
    }
    Ok(())
}

/// A list says exactly whether older sessions follow.
pub(crate) async fn a_list_ends_where_it_says(h: &Harness) -> Outcome {
    for number in 1..=3 {
        h.push(ANN, &session(session_id(number)), &[]).await?;
    }
    for (limit, has_more) in [(1, true), (2, true), (3, false), (4, false)] {
        let list = h.sync().sessions(ANN, None, limit).await?;
        ensure_eq!(
            list.sessions.len(),
            limit.min(3),
            "sessions of the first {limit}"
        );
        ensure_eq!(list.has_more, has_more, "more than {limit}");
    }
    Ok(())
}

/// A list shows live sessions only, as they are.
pub(crate) async fn a_list_shows_live_sessions_as_they_are(h: &Harness) -> Outcome {
    h.push(
        ANN,
        &session_with(RUN, r#""notes":"rain""#),
        &samples("gps", 0..3),
    )
    .await?;
    h.push(ANN, &session(WALK), &[]).await?;
    h.delete(ANN, WALK).await?;
    let list = h.sync().sessions(ANN, None, 1).await?;
    ensure_eq!(
        list.sessions,
        [h.state(ANN, RUN).await?],
        "the live sessions"
    );
    ensure_eq!(
        list.has_more,
        false,
        "more, where only a tombstone is older"
    );
    Ok(())
}

/// The detail of a session gives the count and the range of each series.
pub(crate) async fn a_detail_gives_count_and_range_of_each_series(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", [5, 7])).await?;
    h.push(ANN, &session(RUN), &samples("acc", 10..20)).await?;
    // Earlier, later, one that changes, one that is a duplicate.
    h.push(ANN, &session(RUN), &samples("gps", [1, 9])).await?;
    let again = [
        record("gps", 5, r#"{"x":"new"}"#),
        record("gps", 7, r#"{"x":7}"#),
    ];
    h.push(ANN, &session(RUN), &again).await?;
    let detail = h.detail(ANN, RUN).await?;
    ensure_eq!(detail.state, h.state(ANN, RUN).await?, "the session");
    let series = |name, count, first, last| -> Outcome<SeriesStats> {
        Ok(SeriesStats {
            sensor_type: sensor(name)?,
            count,
            first: Timestamp::from_millis(first),
            last: Timestamp::from_millis(last),
        })
    };
    ensure_eq!(
        detail.series,
        [series("acc", 10, 10, 19)?, series("gps", 4, 1, 9)?],
        "series"
    );
    Ok(())
}

/// A session that is unknown has no detail.
pub(crate) async fn an_unknown_session_has_no_detail(h: &Harness) -> Outcome {
    ensure_eq!(
        h.sync().session(ANN, RUN).await?,
        None,
        "a session of an unknown user"
    );
    h.push(ANN, &session(WALK), &[]).await?;
    ensure_eq!(
        h.sync().session(ANN, RUN).await?,
        None,
        "an unknown session"
    );
    Ok(())
}

/// Totals follow every beginning, end, deletion and revival.
pub(crate) async fn totals_follow_every_change(h: &Harness) -> Outcome {
    let end = r#""end_time":"2025-11-13T01:00:00Z""#;
    let active = r#""is_active":true"#;
    // What is pushed (nothing: the session is deleted), then the total, then how many are active.
    let steps = [
        (RUN, Some(""), 1, 1),
        (WALK, Some(end), 2, 1),
        (WALK, Some(active), 2, 2),
        (RUN, Some(end), 2, 1),
        (RUN, None, 1, 1),
        (RUN, Some(""), 2, 2),
        (RUN, Some(r#""notes":"no change of totals""#), 2, 2),
        (WALK, None, 1, 1),
    ];
    for (number, (id, members, total, is_active)) in steps.into_iter().enumerate() {
        match members {
            Some(members) => drop(h.push(ANN, &session_with(id, members), &[]).await?),
            None => drop(h.delete(ANN, id).await?),
        }
        let status = h.sync().status(ANN, 0).await?;
        let totals = (status.total_sessions, status.active_sessions);
        ensure_eq!(
            totals,
            (total, is_active),
            "total, active after step {number}"
        );
        ensure_eq!(
            status.uploaded_sessions,
            total,
            "uploaded after step {number}"
        );
    }
    Ok(())
}
