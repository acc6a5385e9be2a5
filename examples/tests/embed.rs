//! Runs `embed` and checks what it says against the recordings.

mod support;

use koodtx_examples::recordings::{GPS_TRACKS, push_bodies};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_embed");

/// Session id, number of records, lowest and highest altitude of each track.
fn tracks() -> Vec<(String, usize, f64, f64)> {
    let bodies = push_bodies(GPS_TRACKS.as_ref()).unwrap();
    let track = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap();
        let records = body["sensor_data"].as_array().unwrap();
        let altitudes = || {
            records
                .iter()
                .filter_map(|record| record["data"]["altitude"].as_f64())
        };
        let lowest = altitudes().fold(f64::INFINITY, f64::min);
        let highest = altitudes().fold(f64::NEG_INFINITY, f64::max);
        (
            body["session"]["session_id"].as_str().unwrap().to_owned(),
            records.len(),
            lowest,
            highest,
        )
    };
    bodies.iter().map(track).collect()
}

#[test]
fn what_the_phone_pushes_the_watch_pulls() {
    let said = support::run(PROGRAM, &[]);
    for (id, records, lowest, highest) in tracks() {
        let pushed = format!("pushed {id}: {records} inserted, 0 duplicates\n");
        assert!(said.contains(&pushed), "{pushed} is missing in:\n{said}");
        let pulled = said
            .lines()
            .find(|line| line.starts_with(&format!("pulled {id}")))
            .unwrap();
        let numbers = format!("{records} records, {lowest:.0} to {highest:.0} m");
        assert!(
            pulled.ends_with(&numbers),
            "{numbers} is missing in: {pulled}"
        );
    }
    assert!(
        said.ends_with("changed since: 1 session, 0 records\n"),
        "{said}"
    );
}

#[test]
fn a_second_run_finds_everything_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--data", folder.path().to_str().unwrap()];
    support::run(PROGRAM, &args);
    let said = support::run(PROGRAM, &args);
    for (id, records, ..) in tracks() {
        let pushed = format!("pushed {id}: 0 inserted, {records} duplicates\n");
        assert!(said.contains(&pushed), "{pushed} is missing in:\n{said}");
    }
}
