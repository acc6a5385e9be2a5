//! Changing a push on its way in, or records on their way out.

use std::sync::Arc;

use koodtx_core::block::{Block, IncomingSeries, Record};
use koodtx_core::id::SensorType;
use koodtx_core::json::canonical_text;
use koodtx_core::pull::{RecordChunk, RecordPosition};
use koodtx_core::push::PushBatch;
use koodtx_core::sample_time::write_sample_time;
use koodtx_core::session::SessionPatch;
use koodtx_core::store::PushCommand;
use koodtx_core::time::Timestamp;

/// One record of a push.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub sensor: SensorType,
    pub timestamp: Timestamp,
    pub data: String,
    pub updated_at: Option<Timestamp>,
}

impl Row {
    pub fn place(&self) -> RecordPosition {
        RecordPosition {
            timestamp: self.timestamp,
            sensor_type: self.sensor.clone(),
        }
    }

    /// Whether the values are equal.
    pub fn equals(&self, stored: &Record) -> bool {
        canonical_text(&self.data) == canonical_text(&stored.data)
    }

    fn to_json(&self) -> String {
        let mut millis = String::new();
        write_sample_time(&mut millis, self.timestamp);
        let stamp = self
            .updated_at
            .map(|at| format!(r#","updated_at":"{at}""#))
            .unwrap_or_default();
        let sensor = serde_json::to_string(&self.sensor).expect("a string");
        format!(
            r#"{{"sensor_type":{sensor},"timestamp":{millis},"data":{}{stamp}}}"#,
            self.data
        )
    }
}

/// The records of a push, series by series.
pub fn rows(batch: &PushBatch) -> Vec<Row> {
    let row = |sensor: &SensorType, records: &IncomingSeries, row| Row {
        sensor: sensor.clone(),
        timestamp: records.time(row),
        data: records.data(row),
        updated_at: records.updated_at(row),
    };
    batch
        .series
        .iter()
        .flat_map(|s| (0..s.records.len()).map(move |at| row(&s.sensor_type, &s.records, at)))
        .collect()
}

/// The push with other records; those that are gone count as duplicates.
pub fn with_rows(command: &PushCommand, rows: &[Row]) -> PushCommand {
    let records: Vec<_> = rows.iter().map(Row::to_json).collect();
    let session = r#"{"session_id":"00000000-0000-4000-8000-000000000000","start_time":"2025-01-01T00:00:00Z"}"#;
    let text = format!(
        r#"{{"session":{session},"sensor_data":[{}]}}"#,
        records.join(",")
    );
    let parsed = PushBatch::parse(text.as_bytes()).expect("rows are valid records");
    let merged = parsed
        .series
        .iter()
        .map(|series| series.records.len() as u64)
        .sum::<u64>();
    let mut batch = (*command.batch).clone();
    batch.series = parsed.series;
    batch.replaced = batch.valid_records().saturating_sub(merged);
    PushCommand {
        batch: Arc::new(batch),
        ..command.clone()
    }
}

/// The push with each record changed, or dropped.
pub fn edit_rows(command: &PushCommand, edit: impl FnMut(Row) -> Option<Row>) -> PushCommand {
    let before = rows(&command.batch);
    let after: Vec<_> = before.iter().cloned().filter_map(edit).collect();
    // What is left alone keeps its columns too.
    if before == after {
        command.clone()
    } else {
        with_rows(command, &after)
    }
}

/// The push with other metadata.
pub fn edit_patch(command: &PushCommand, edit: impl FnOnce(&mut SessionPatch)) -> PushCommand {
    let mut batch = (*command.batch).clone();
    edit(&mut batch.session);
    PushCommand {
        batch: Arc::new(batch),
        ..command.clone()
    }
}

/// The push with `data` changed as a JSON value.
pub fn edit_data(
    command: &PushCommand,
    mut edit: impl FnMut(&mut serde_json::Map<String, serde_json::Value>),
) -> PushCommand {
    edit_rows(command, |mut row| {
        // Values that serde_json cannot hold exactly stay as they are.
        let Ok(before) = serde_json::from_str(&row.data) else {
            return Some(row);
        };
        let mut after = serde_json::Map::clone(&before);
        edit(&mut after);
        if after != before {
            row.data = serde_json::Value::Object(after).to_string();
        }
        Some(row)
    })
}

/// The chunk with each record changed.
pub fn edit_chunk(chunk: &RecordChunk, edit: impl Fn(Record) -> Record) -> RecordChunk {
    let series = chunk.series.iter().map(|(sensor, block)| {
        let records: Vec<_> = block.records().map(&edit).collect();
        (
            sensor.clone(),
            Block::from_records(&records).expect("records that were stored"),
        )
    });
    RecordChunk {
        series: series.collect(),
        next: chunk.next.clone(),
        damaged: chunk.damaged.clone(),
    }
}
