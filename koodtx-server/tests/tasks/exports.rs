//! Export files.

use std::time::{Duration, SystemTime};

use koodtx_server::jobs::Task;
use serde_json::json;

use crate::support::{ANN, World, on_every_store, session_id};

on_every_store!(a_session_is_written_into_a_file_and_removed_when_old);

async fn a_session_is_written_into_a_file_and_removed_when_old(world: World) {
    world.push(ANN, 1, &json!({}), 0..1_000).await;
    let id = session_id(1).to_string();
    let mut files = Vec::new();
    for format in ["csv", "ndjson", "parquet"] {
        let arguments = [("user", "1"), ("session", id.as_str()), ("format", format)];
        let done = world.run(Task::ExportSession, &arguments).await;
        let file = std::path::PathBuf::from(done["file"].as_str().unwrap());
        let length = std::fs::metadata(&file).unwrap().len();
        assert_eq!(json!(length), done["bytes"]);
        assert!(file.starts_with(world.folder()));
        files.push(file);
    }
    let lines = std::fs::read_to_string(&files[1]).unwrap();
    assert_eq!(lines.lines().count(), 1_000);

    let folder = files[0].parent().unwrap();
    let unfinished = folder.join("session-1-x.csv.part");
    let foreign = folder.join("notes.csv");
    for file in [&unfinished, &foreign] {
        std::fs::write(file, "x").unwrap();
    }
    assert_eq!(world.run(Task::PurgeExports, &[]).await["files"], 0);
    let old = SystemTime::now() - Duration::from_hours(8 * 24);
    for file in [&files[0], &unfinished, &foreign] {
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(old).unwrap();
    }
    assert_eq!(world.dry_run(Task::PurgeExports).await["files"], 2);
    assert!(files[0].exists());
    assert_eq!(world.run(Task::PurgeExports, &[]).await["files"], 2);
    assert!(!files[0].exists() && !unfinished.exists());
    assert!(files[1].exists() && foreign.exists());
}
