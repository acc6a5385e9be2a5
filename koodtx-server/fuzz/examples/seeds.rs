//! Writes the seeds that are derived from other files or made by the code that is fuzzed:
//! `cargo run --example seeds`. The other seeds were written by hand, and stay as they are.

use std::path::Path;

use koodtx_core::block::{Block, Stored, merge_series};
use koodtx_core::pull::{Cursor, RecordPosition};
use koodtx_core::push::PushBatch;
use koodtx_core::time::{Tick, Timestamp};
use serde_json::Value;

const CHECKSUM_BYTES: usize = 4;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = here.join("seeds");
    let data = here.join("../../examples/data");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::write(seeds.join(target).join(name), bytes).expect("a seed is written");
    };

    // Real bodies with their first records, as they were sent.
    for (file, bodies, records) in [("basic_motions", 80, 12), ("gps_tracks", 3, 12)] {
        let text = std::fs::read_to_string(data.join(file).with_extension("jsonl"));
        let text = text.expect("the real recordings are there");
        for (index, line) in text
            .lines()
            .enumerate()
            .take(bodies)
            .step_by(bodies.div_ceil(2))
        {
            let mut body: Value = serde_json::from_str(line).expect("a line is a body");
            if let Some(all) = body["sensor_data"].as_array_mut() {
                // From each sensor some: they take turns, or follow each other.
                let stride = (all.len() / records).max(1);
                *all = all.iter().step_by(stride).take(records).cloned().collect();
            }
            write(
                "push_body",
                &format!("{file}_{index}.json"),
                body.to_string().as_bytes(),
            );
        }
    }

    // The blocks of all bodies, without the checksum that the target appends.
    let mut bodies: Vec<_> = std::fs::read_dir(seeds.join("push_body"))
        .expect("there are seeds")
        .map(|entry| entry.expect("a seed is there").path())
        .collect();
    bodies.sort();
    for path in bodies {
        let body = std::fs::read(&path).expect("a seed is read");
        let Ok(batch) = PushBatch::parse(&body) else {
            continue;
        };
        for (index, series) in batch.series.iter().enumerate().take(2) {
            let tick = Tick::after(Timestamp::ZERO, Timestamp::from_millis(1_763_035_200_000));
            let merged = merge_series(&series.records, None, tick, |_, _| {
                Ok::<_, ()>(Stored::Leaf(None))
            });
            let edits = merged.expect("nothing is read").edits;
            let block: &Block = &edits[0].written[0];
            let bytes = block.encode();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            write(
                "block_codec",
                &format!("{stem}_{index}"),
                &bytes[..bytes.len() - CHECKSUM_BYTES],
            );
        }
    }

    for (name, since, inside) in [
        ("between_sessions", None, None),
        (
            "inside_session",
            Some(1_763_035_200_000),
            Some("accelerometer"),
        ),
    ] {
        let cursor = Cursor {
            since: since.map(Timestamp::from_millis),
            round_clock: Timestamp::from_millis(1_763_035_200_001),
            filter: 0x1234_5678_9abc_def0,
            session: Timestamp::from_millis(1_763_035_100_000),
            inside: inside.map(|name| RecordPosition {
                timestamp: Timestamp::from_millis(1_763_000_000_000),
                sensor_type: name.parse().expect("it is a sensor type"),
            }),
        };
        write("cursor", name, cursor.encode().as_bytes());
    }

    let golden = here.join("../tests/transfer/golden/version-1.koodtx");
    write(
        "backup_reader",
        "version-1.koodtx",
        &std::fs::read(golden).expect("it is there"),
    );

    // Any bytes are records; these are as good as others.
    for len in [64, 512, 2_048] {
        let mut state = len as u64;
        let bytes: Vec<u8> = (0..len)
            .map(|_| {
                // A linear congruential generator with Knuth's constants.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        write("block_records", &format!("random_{len}"), &bytes);
    }
}
