//! Chunks of records are bounded by bytes as well as by number, and nothing is lost between them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use koodtx_core::block::{Block, Found, Record, assemble_chunk};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::pull::RecordQuery;
use koodtx_core::time::Timestamp;
use uuid::Uuid;

type Series = BTreeMap<SensorType, BTreeMap<Timestamp, Block>>;

/// `blocks` blocks a sensor of `records` records with a text of `bytes` bytes, the sensors shifted
/// against each other.
fn series(sensors: usize, blocks: i64, records: i64, bytes: usize) -> Series {
    let text = "t".repeat(bytes);
    let block = |shift: i64, number: i64| {
        let records: Vec<Record> = (0..records)
            .map(|n| Record {
                timestamp: Timestamp::from_micros((number * records + n) * 10 + shift),
                changed: Timestamp::from_micros(1),
                stamp: Timestamp::from_micros(1),
                data: format!("{{\"text\":\"{text}\"}}"),
            })
            .collect();
        Block::from_records(&records).unwrap()
    };
    (0..sensors)
        .map(|sensor| {
            let blocks = (0..blocks).map(|number| block(sensor as i64 % 7, number));
            let blocks = blocks.map(|block| (block.time(0), block)).collect();
            (SensorType::new(&format!("s{sensor:04}")).unwrap(), blocks)
        })
        .collect()
}

/// Reads everything; returns how many records there were and the most that one chunk held.
fn read_all(series: &Series, limit: usize) -> (usize, usize) {
    let names: Vec<SensorType> = series.keys().cloned().collect();
    let mut query = RecordQuery {
        user: UserId(1),
        session: SessionId(Uuid::nil()),
        after: None,
        changed_after: None,
        limit,
    };
    let (mut total, mut largest) = (0, 0);
    let mut last = None;
    loop {
        let chunk = assemble_chunk(&query, &names, |sensor_type, from| {
            let blocks = &series[sensor_type];
            let ends_later = |block: &&Block| block.meta().unwrap().last >= from;
            Ok::<_, Infallible>(blocks.values().find(ends_later).cloned().map(Found::Block))
        })
        .unwrap();
        for (sensor_type, block) in &chunk.series {
            let first = (block.time(0), sensor_type.clone());
            assert!(last.as_ref().is_none_or(|last| first > *last), "in order");
        }
        total += chunk.len();
        largest = largest.max(chunk.len());
        last = chunk
            .next
            .clone()
            .map(|next| (next.timestamp, next.sensor_type));
        query.after = chunk.next;
        if query.after.is_none() {
            return (total, largest);
        }
    }
}

#[test]
fn large_records_end_a_chunk_before_their_number_does() {
    let series = series(1, 2_000, 1, 15_000);
    let (total, largest) = read_all(&series, 8_192);
    assert_eq!(total, 2_000);
    assert!(largest <= 4 * 1024 * 1024 / 15_000 + 2, "{largest}");
}

#[test]
fn many_series_come_whole_and_in_order() {
    for limit in [1, 100, 8_192] {
        let (total, _) = read_all(&series(50, 3, 20, 5), limit);
        assert_eq!(total, 50 * 3 * 20);
    }
}
