//! Values that are longer than the database wants them.

use std::path::Path;
use std::sync::Arc;

use koodtx_core::conformance::Harness;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::limits::{NOTES_MAX_CHARS, RECORD_DATA_MAX_BYTES};
use koodtx_core::store::MaintenanceStore;
use koodtx_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

const USER: UserId = UserId(1);
const RECORDS_COUNT: usize = 60;

fn session(number: u8, notes: &str) -> (SessionId, String) {
    let id = format!("00000000-0000-4000-8000-0000000000{number:02x}");
    let text =
        format!(r#"{{"session_id":"{id}","start_time":"2025-11-13T00:00:00Z","notes":"{notes}"}}"#);
    (id.parse().unwrap(), text)
}

/// `RECORDS_COUNT` records as large as they may be, each with a text of its own.
fn large_records(fill: char) -> Vec<String> {
    let room = RECORD_DATA_MAX_BYTES - r#"{"t":"00"}"#.len();
    (0..RECORDS_COUNT)
        .map(|at| {
            let text = fill.to_string().repeat(room / fill.len_utf8());
            format!(r#"{{"sensor_type":"camera","timestamp":{at},"data":{{"t":"{at:02}{text}"}}}}"#)
        })
        .collect()
}

/// sled moves a page above a quarter of a segment into a file of its own, which it never syncs.
fn large_pages(path: &Path) -> usize {
    std::fs::read_dir(path.join("blobs")).unwrap().count()
}

#[tokio::test]
async fn the_largest_notes_and_records_come_back_and_make_no_large_pages() {
    let folder = TempDir::new().unwrap();
    let open = || Arc::new(SledStore::open(folder.path(), SledOptions::default()).unwrap());
    let store = open();
    let harness = Harness::new(store.clone());
    // Four bytes each, and six bytes each once escaped.
    for (number, fill) in [(1, "😀"), (2, r"\u0001")] {
        let (id, text) = session(number, &fill.repeat(NOTES_MAX_CHARS));
        harness
            .push(USER, &text, &large_records('x'))
            .await
            .unwrap();
        let state = harness.state(USER, id).await.unwrap();
        assert_eq!(
            state.fields.notes().unwrap().chars().count(),
            NOTES_MAX_CHARS
        );
        // Overwritten by shorter and by other long values, in the middle and at the end.
        let (_, text) = session(number, "short");
        harness
            .push(USER, &text, &large_records('ü')[20..])
            .await
            .unwrap();
        let values = harness.values(USER, id).await.unwrap();
        assert_eq!(values.len(), RECORDS_COUNT);
        for (at, value) in values.iter().enumerate() {
            let fill = if at < 20 { "xxx" } else { "üüü" };
            assert!(
                value.contains(&format!(r#"{{"t":"{at:02}{fill}"#)),
                "{at}: {}",
                &value[..40]
            );
        }
        assert_eq!(
            harness.state(USER, id).await.unwrap().fields.notes(),
            Some("short")
        );
        assert_eq!(large_pages(folder.path()), 0);
    }
    let page = store.verify(None, 10).await.unwrap();
    assert_eq!(
        (page.sessions, page.records, page.problems),
        (2, 2 * RECORDS_COUNT as u64, vec![])
    );
    drop((harness, store));
    let page = open().verify(None, 10).await.unwrap();
    assert_eq!(
        (page.records, page.problems),
        (2 * RECORDS_COUNT as u64, vec![])
    );
}
