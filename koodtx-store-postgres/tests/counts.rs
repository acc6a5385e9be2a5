//! What a session says of itself is checked, also where it cannot be read.

#[path = "common/base.rs"]
mod base;

use base::{Base, USER, record, session, session_id};

#[tokio::test]
async fn every_count_of_a_session_is_checked() {
    let base = Base::new().await;
    for number in [1, 2] {
        for sensor in ["far", "other", "dense"] {
            let records: Vec<String> = (0..1_100)
                .map(|nth| record(sensor, nth, r#"{"x":1}"#))
                .collect();
            base.harness
                .push(USER, &session(number), &records)
                .await
                .unwrap();
        }
    }
    base.execute("CREATE TABLE sessions AS SELECT * FROM recording_sessions")
        .await;
    let cases = [
        ("data_count = data_count + 1", "records and has"),
        ("series_count = 7", "it counts 7 series and has 3"),
        ("series = series - 'far'", "it counts 3 series and has 2"),
        (
            "series = jsonb_set(series, '{far,count}', '7')",
            "its count or its range is wrong",
        ),
        (
            "series = jsonb_set(series, '{far,first}', '7')",
            "its count or its range is wrong",
        ),
        (
            "series = jsonb_set(series, '{far,last}', '7')",
            "its count or its range is wrong",
        ),
        (
            "series = (series - 'far') || jsonb_build_object('near', series->'far')",
            "its count or its range is wrong",
        ),
        ("live = false", "it is deleted and has records"),
        ("updated_at = created_at", "changed after the session did"),
        ("updated_at = updated_at + interval '1 day'", "user clock"),
        (
            "deleted_at = updated_at + interval '1 us'",
            "ahead of its last change",
        ),
        // What cannot even be read.
        ("series = '[]'", "cannot be read"),
        ("data_count = -1", "cannot be read"),
        (
            "sample_rate = -1, sample_rate_stamp = updated_at",
            "cannot be read",
        ),
        ("start_time = NULL", "cannot be read"),
    ];
    for (set, message) in cases {
        let place = format!("WHERE session_id = '{}'", session_id(1));
        base.execute(&format!("UPDATE recording_sessions SET {set} {place}"))
            .await;
        let problems = base.problems().await;
        let is_found = problems
            .iter()
            .any(|problem| problem.message.contains(message));
        assert!(is_found, "{set}: {problems:?}");
        assert!(
            problems
                .iter()
                .all(|problem| problem.session == session_id(1)),
            "{set}: {problems:?}"
        );
        base.execute(
            "BEGIN; DELETE FROM recording_sessions;
             INSERT INTO recording_sessions SELECT * FROM sessions; COMMIT",
        )
        .await;
        assert_eq!(base.problems().await, vec![]);
    }
}
