//! Reading the records of a session in chunks.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::harness::in_order;
use crate::conformance::script::{
    ANN, RUN, WALK, before_noon, edited, record, samples, sensor, session,
};
use crate::pull::{RecordPosition, RecordQuery};
use crate::time::Timestamp;

const ALL: RecordQuery = RecordQuery {
    user: ANN,
    session: RUN,
    after: None,
    changed_after: None,
    limit: 1_000,
};

/// Three sensors, with equal times across them and gaps within, pushed out of order.
async fn three_sensors(h: &Harness) -> Outcome<Vec<RecordPosition>> {
    let times: [(&str, &[u64]); 3] = [
        ("b", &[5, 1, 3, 2]),
        ("a", &[3, 9, 2, 7]),
        ("c", &[3, 2, 8, 1]),
    ];
    let mut expected = Vec::new();
    for (name, times) in times {
        h.push(ANN, &session(RUN), &samples(name, times.iter().copied()))
            .await?;
        for &millis in times {
            let timestamp = Timestamp::from_millis(millis as i64);
            expected.push(RecordPosition {
                timestamp,
                sensor_type: sensor(name)?,
            });
        }
    }
    expected.sort();
    Ok(expected)
}

/// Records come in the order of time, and of sensor where the times are equal, whatever the order
/// of arrival; and following `next` gives each exactly once, at any limit.
pub(crate) async fn chunks_give_each_record_once_in_order(h: &Harness) -> Outcome {
    let expected = three_sensors(h).await?;
    for limit in 1..=expected.len() + 1 {
        let mut query = RecordQuery { limit, ..ALL };
        let mut seen = Vec::new();
        while seen.len() <= expected.len() {
            let chunk = h.sync().read_records(query.clone()).await?;
            let next = chunk.next.clone();
            seen.extend(
                in_order(&chunk)
                    .into_iter()
                    .map(|(sensor_type, record)| RecordPosition {
                        timestamp: record.timestamp,
                        sensor_type,
                    }),
            );
            match next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        ensure_eq!(seen, expected, "all chunks of {limit} together");
    }
    Ok(())
}

/// Reading may begin behind any place, also behind one that holds no record.
pub(crate) async fn reading_goes_on_behind_any_place(h: &Harness) -> Outcome {
    let all = three_sensors(h).await?;
    let mut places = all.clone();
    for millis in 0..=10 {
        let timestamp = Timestamp::from_millis(millis).plus_micros(1);
        places.push(RecordPosition {
            timestamp,
            sensor_type: sensor("b")?,
        });
    }
    for place in places {
        let query = RecordQuery {
            after: Some(place.clone()),
            ..ALL
        };
        let chunk = h.sync().read_records(query).await?;
        ensure_eq!(chunk.next, None, "`next` of a chunk that reaches the end");
        let seen: Vec<_> = in_order(&chunk)
            .into_iter()
            .map(|(sensor_type, record)| RecordPosition {
                timestamp: record.timestamp,
                sensor_type,
            })
            .collect();
        let expected: Vec<_> = all
            .iter()
            .filter(|other| **other > place)
            .cloned()
            .collect();
        ensure_eq!(seen, expected, "records behind {place:?}");
    }
    Ok(())
}

/// The series of a chunk are ordered by sensor type, bytewise, and each has records.
pub(crate) async fn a_chunk_is_ordered_by_sensor(h: &Harness) -> Outcome {
    for name in ["é", "b", "B", "a b", "ab", "a"] {
        h.push(ANN, &session(RUN), &samples(name, 0..2)).await?;
    }
    let chunk = h.sync().read_records(ALL).await?;
    let order: Vec<_> = chunk.series.iter().map(|(name, _)| name.as_str()).collect();
    ensure_eq!(
        order,
        ["B", "a", "a b", "ab", "b", "é"],
        "the series of a chunk"
    );
    ensure!(
        chunk.series.iter().all(|(_, block)| !block.is_empty()),
        "a series without records"
    );
    Ok(())
}

/// A chunk holds about as many records as were asked for, not the whole session.
pub(crate) async fn a_chunk_is_bounded(h: &Harness) -> Outcome {
    use crate::block::BLOCK_RECORDS_MAX_COUNT;

    let count = 3 * BLOCK_RECORDS_MAX_COUNT as u64;
    h.push(ANN, &session(RUN), &samples("gps", 0..count))
        .await?;
    let chunk = h
        .sync()
        .read_records(RecordQuery { limit: 1, ..ALL })
        .await?;
    // Whole blocks may be read, one of each series.
    let len = chunk.len();
    ensure!(
        (1..=BLOCK_RECORDS_MAX_COUNT).contains(&len),
        "a chunk of 1 has {len} records"
    );
    ensure!(chunk.next.is_some(), "more records follow");
    Ok(())
}

/// A record knows when it changed, and `changed_after` returns only what changed later.
pub(crate) async fn changed_after_returns_only_what_changed(h: &Harness) -> Outcome {
    let first = h
        .push(ANN, &session(RUN), &samples("gps", 0..4))
        .await?
        .clock;
    let records = [
        record("gps", 1, r#"{"x":"changed"}"#),
        record("gps", 2, r#"{"x":2}"#), // as it was
        record("acc", 2, r#"{"x":"new"}"#),
    ];
    let second = h.push(ANN, &session(RUN), &records).await?.clock;
    for (after, expected) in [
        (first.plus_micros(-1), 5),
        (first, 2),
        (second.plus_micros(-1), 2),
        (second, 0),
    ] {
        let changed = h.records_changed(ANN, RUN, Some(after)).await?;
        ensure_eq!(changed.len(), expected, "records changed after {after}");
        for (_, record) in &changed {
            ensure!(
                record.changed > after,
                "a record of {} after {after}",
                record.changed
            );
        }
    }
    let changed = h.records_changed(ANN, RUN, Some(first)).await?;
    ensure!(
        changed.iter().all(|(_, record)| record.changed == second),
        "clocks of {changed:?}"
    );
    Ok(())
}

/// A raised stamp is no change: no device has to download the record again.
pub(crate) async fn a_raised_stamp_is_no_change(h: &Harness) -> Outcome {
    let data = r#"{"x":1}"#;
    let first = h
        .push(
            ANN,
            &session(RUN),
            &[edited("gps", 1, data, before_noon(9))],
        )
        .await?
        .clock;
    h.push(
        ANN,
        &session(RUN),
        &[edited("gps", 1, data, before_noon(5))],
    )
    .await?;
    let records = h.records(ANN, RUN).await?;
    let clocks: Vec<_> = records.iter().map(|(_, r)| (r.changed, r.stamp)).collect();
    ensure_eq!(clocks, [(first, before_noon(5))], "changed, stamp");
    Ok(())
}

/// A session that is unknown has no records, and no records is no error.
pub(crate) async fn an_unknown_session_has_no_records(h: &Harness) -> Outcome {
    ensure_eq!(h.records(ANN, RUN).await?, [], "records of an unknown user");
    h.push(ANN, &session(RUN), &samples("gps", 0..2)).await?;
    ensure_eq!(
        h.records(ANN, WALK).await?,
        [],
        "records of an unknown session"
    );
    h.push(ANN, &session(WALK), &[]).await?;
    ensure_eq!(
        h.records(ANN, WALK).await?,
        [],
        "records of a session without any"
    );
    Ok(())
}
