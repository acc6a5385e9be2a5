//! The body of a pull is refused, or says what is read from it.
#![no_main]

use koodtx_core::limits::{PAGE_MAX_NUMBER, PAGE_SIZE_MAX_COUNT, PULL_SESSION_IDS_MAX_COUNT};
use koodtx_core::pull::{Cursor, PullRequest, RecordPosition};
use koodtx_core::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// The request as a body, every field in it.
fn body(request: &PullRequest) -> Value {
    json!({
        "last_sync_time": request.last_sync_time.map(|time| time.to_string()),
        "session_ids": request.session_ids,
        "page": request.page,
        "page_size": request.page_size,
        "include_data": request.include_data,
        "changes_only": request.changes_only,
        "cursor": request.cursor.as_ref().map(Cursor::encode),
        "max_records": request.max_records,
    })
}

fn comes_back(request: &PullRequest) {
    let body = body(request).to_string();
    assert_eq!(
        PullRequest::from_json(body.as_bytes()).as_ref(),
        Ok(request)
    );
}

fuzz_target!(|bytes: &[u8]| {
    let value = serde_json::from_slice::<Value>(bytes).ok();
    let request = match PullRequest::from_json(bytes) {
        Ok(request) => request,
        Err(error) => {
            let is_object = value.is_some_and(|value| value.is_object());
            assert_eq!(error.code() == "malformed_json", !is_object);
            assert_eq!(error.field().is_some(), is_object);
            return;
        }
    };
    assert!((1..=PAGE_MAX_NUMBER).contains(&request.page));
    assert!((1..=PAGE_SIZE_MAX_COUNT).contains(&request.page_size));
    assert_ne!(request.max_records, Some(0));
    let ids = request.session_ids.as_deref().unwrap_or_default();
    assert!(
        ids.len() <= PULL_SESSION_IDS_MAX_COUNT && ids.is_sorted_by(|left, right| left < right)
    );
    comes_back(&request);

    // No fuzzer guesses the hash that binds a cursor to its filters.
    if request.cursor.is_none() && request.page == 1 {
        let cursor = Cursor {
            since: request.last_sync_time,
            round_clock: Timestamp::from_micros(2),
            filter: request.filter_hash(),
            session: Timestamp::from_micros(1),
            inside: "gps".parse().ok().map(|sensor_type| RecordPosition {
                timestamp: Timestamp::ZERO,
                sensor_type,
            }),
        };
        let with = |cursor| PullRequest {
            cursor: Some(cursor),
            ..request.clone()
        };
        comes_back(&with(cursor.clone()));
        let foreign = Cursor {
            filter: !cursor.filter,
            ..cursor
        };
        let body = body(&with(foreign)).to_string();
        assert!(PullRequest::from_json(body.as_bytes()).is_err());
    }
});
