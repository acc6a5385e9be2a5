//! Listing, reading and deleting sessions.

use serde_json::{Value, json};

use super::start;
use crate::support::{push_body, record, session_id};

#[tokio::test]
async fn a_list_goes_from_the_newest_to_the_oldest_page_by_page() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    for session in 1..=7 {
        server
            .post("/api/sync/push")
            .by(&ann)
            .json(&push_body(session, 1))
            .send()
            .await
            .ok();
    }
    // A change moves no session within the list.
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&push_body(1, 2))
        .send()
        .await
        .ok();
    server
        .delete(&format!("/api/sessions/{}", session_id(4)))
        .by(&ann)
        .send()
        .await
        .ok();

    let mut path = "/api/sessions?limit=2".to_owned();
    let mut seen: Vec<String> = Vec::new();
    let mut pages = 0;
    loop {
        let page = server.get(&path).by(&ann).send().await.ok();
        let sessions = page["sessions"].as_array().unwrap();
        assert!(sessions.len() <= 2);
        seen.extend(
            sessions
                .iter()
                .map(|s| s["session_id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        assert_eq!(page["has_more"] == true, page["next_cursor"].is_string());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/sessions?limit=2&cursor={cursor}");
        // What comes in between shows up on no later page.
        server
            .post("/api/sync/push")
            .by(&ann)
            .json(&push_body(50 + pages, 1))
            .send()
            .await
            .ok();
    }
    assert_eq!(seen, [7, 6, 5, 3, 2, 1].map(session_id));
    assert_eq!(pages, 3);
    let all = server.get("/api/sessions").by(&ann).send().await.ok();
    assert_eq!(all["sessions"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn one_session_says_what_is_stored_of_each_sensor() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let mut body = push_body(1, 3);
    body["sensor_data"]
        .as_array_mut()
        .unwrap()
        .push(record("acc", 0, 1.0));
    body["session"]["notes"] = json!("Morning");
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&body)
        .send()
        .await
        .ok();
    // In any case, as everywhere.
    let path = format!("/api/sessions/{}", session_id(1).to_uppercase());
    let detail = server.get(&path).by(&ann).send().await.ok();
    assert_eq!(detail["session"]["notes"], "Morning");
    assert_eq!(detail["session"]["data_count"], 4);
    assert_eq!(
        detail["sensors"],
        json!([
            { "sensor_type": "acc", "count": 1,
              "first_time": "1970-01-01T00:00:00Z", "last_time": "1970-01-01T00:00:00Z" },
            { "sensor_type": "gyro", "count": 3,
              "first_time": "2023-11-14T22:13:20Z", "last_time": "2023-11-14T22:13:20.002Z" },
        ])
    );
}

#[tokio::test]
async fn a_deleted_session_is_gone_until_it_is_pushed_again() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let push = |body: Value| server.post("/api/sync/push").by(&ann).json(&body).send();
    let path = format!("/api/sessions/{}", session_id(1));
    push(push_body(1, 5)).await.ok();
    let deleted = server.delete(&path).by(&ann).send().await.ok();
    assert_eq!(deleted["session_id"], session_id(1));
    server
        .get(&path)
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");
    server
        .delete(&path)
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");

    // An edit from before the deletion does not bring it back.
    let mut stale = push_body(1, 5);
    stale["session"]["updated_at"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(push(stale).await.ok()["duplicates"], 5);
    server
        .get(&path)
        .by(&ann)
        .send()
        .await
        .is(404, "session_not_found");

    push(push_body(1, 2)).await.ok();
    let revived = server.get(&path).by(&ann).send().await.ok();
    assert_eq!(revived["session"]["data_count"], 2);
}
