//! Totals of a user.

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::SyncStore;
use koodtx_core::time::Timestamp;
use koodtx_server::analysis::{UserStatistics, statistics};
use serde_json::{Value, json};

use super::support::{NOW, TestStore, USER};

/// More sessions than a page of the list holds.
const SESSIONS: i64 = 230;

fn id(number: i64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

async fn push(store: &TestStore, number: i64, start: i64, end: Option<i64>, samples: &[i64]) {
    let rfc = |millis: i64| Timestamp::from_millis(millis).to_string();
    let records: Vec<Value> = samples
        .iter()
        .map(|time| json!({"sensor_type": "s", "timestamp": time, "data": {"v": 1}}))
        .collect();
    let mut session = json!({"session_id": id(number), "start_time": rfc(start)});
    if let Some(end) = end {
        session["end_time"] = json!(rfc(end));
    }
    let body = json!({"session": session, "sensor_data": records});
    // Of two writes of a field the later stamp wins.
    let now = NOW.plus_micros(start);
    store.push_body(body.to_string().as_bytes(), now).await;
}

#[tokio::test]
async fn durations_come_from_the_end_or_else_from_the_last_sample() {
    let store = TestStore::new();
    push(&store, 1, 1_000, Some(3_601_000), &[1_000, 2_000]).await;
    push(&store, 2, 1_000, None, &[500, 1_801_000]).await;
    push(&store, 3, 9_000, None, &[10]).await;
    // A later push moves the start behind the end.
    push(&store, 4, 1_000, Some(8_000), &[]).await;
    push(&store, 4, 9_000, None, &[]).await;
    push(&store, 5, 9_000, None, &[]).await;
    push(&store, 6, 9_000, Some(99_000), &[1]).await;
    let deleted: SessionId = id(6).parse().unwrap();
    store
        .delete_session(USER, deleted, NOW.plus_micros(1_000_000))
        .await
        .unwrap();

    let totals = statistics(&store, USER, None, None).await.unwrap();
    let expected = json!({
        "period": {"start": null, "end": null},
        "statistics": {
            "total_sessions": 5, "total_data_records": 5,
            "total_duration_ms": 5_400_000, "total_duration_hours": 1.5,
            "average_session_duration_ms": 1_080_000.0,
            "sensor_types_usage": {"s": 5},
        },
    });
    let actual = serde_json::to_value(&totals).unwrap();
    assert_eq!(actual, expected);
    assert_eq!(
        serde_json::from_value::<UserStatistics>(actual).unwrap(),
        totals
    );
}

#[tokio::test]
async fn a_period_includes_its_start_and_not_its_end() {
    let store = TestStore::new();
    for number in 0..SESSIONS {
        push(&store, number, number * 1_000, None, &[number * 1_000 + 10]).await;
    }
    let at = |seconds: i64| Some(Timestamp::from_millis(seconds * 1_000));
    for (from, to, sessions) in [
        (None, None, 230),
        (at(10), at(20), 10),
        (at(229), None, 1),
        (None, at(0), 0),
        (None, at(1), 1),
        (at(20), at(10), 0),
    ] {
        let totals = statistics(&store, USER, from, to).await.unwrap();
        assert_eq!(totals.statistics.total_sessions, sessions);
        assert_eq!(
            totals.statistics.total_duration_ms.as_micros(),
            sessions as i64 * 10_000
        );
    }
}

#[tokio::test]
async fn nothing_adds_up_to_nothing() {
    let store = TestStore::new();
    push(&store, 1, 0, None, &[1]).await;
    let totals = statistics(&store, UserId(2), None, None).await.unwrap();
    let expected = json!({
        "total_sessions": 0, "total_data_records": 0, "total_duration_ms": 0,
        "total_duration_hours": 0.0, "average_session_duration_ms": null,
        "sensor_types_usage": {},
    });
    assert_eq!(serde_json::to_value(&totals.statistics).unwrap(), expected);
}
