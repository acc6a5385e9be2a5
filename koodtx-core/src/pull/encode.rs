//! The JSON of a pull answer.

use super::order::MergedRows;
use super::series_writer::SeriesWriter;
use super::{Damage, RecordChunk};
use crate::id::{LogId, SessionId};
use crate::json::RecordText;
use crate::json::write::{write_f64, write_string};
use crate::sample_time::write_sample_time;
use crate::service::PullSummary;
use crate::session::SessionState;
use crate::time::Timestamp;

/// Appends a session's members, up to and with the `[` of the member that holds its records.
///
/// `continues` marks a session whose first records were on an earlier page.
pub(crate) fn write_session(
    out: &mut String,
    state: &SessionState,
    continues: bool,
    records: &'static str,
) {
    let fields = &state.fields;
    out.push_str("{\"session_id\":");
    write_display(out, state.id);
    out.push_str(",\"start_time\":");
    write_display(out, fields.start_time());
    out.push_str(",\"end_time\":");
    write_optional(out, fields.end_time(), |out, end: Timestamp| {
        write_display(out, end);
    });
    out.push_str(",\"is_active\":");
    out.push_str(if fields.is_active() { "true" } else { "false" });
    out.push_str(",\"enabled_sensors\":[");
    for (index, sensor) in fields.enabled_sensors().iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, sensor);
    }
    out.push_str("],\"sample_rate\":");
    write_optional(out, fields.sample_rate(), write_f64);
    out.push_str(",\"data_count\":");
    write_integer(out, state.data_count);
    out.push_str(",\"notes\":");
    write_optional(out, fields.notes(), write_string);
    out.push_str(",\"is_uploaded\":");
    out.push_str(if state.is_uploaded() { "true" } else { "false" });
    out.push_str(",\"created_at\":");
    write_display(out, state.created_at);
    out.push_str(",\"updated_at\":");
    write_display(out, state.updated_at);
    if let Some(purged) = state.data_purged_at {
        out.push_str(",\"data_purged_at\":");
        write_display(out, purged);
    }
    if continues {
        out.push_str(",\"continues\":true");
    }
    out.push_str(",\"");
    out.push_str(records);
    out.push_str("\":[");
}

/// What a record of a few fields takes as text, rounded up.
const RECORD_TYPICAL_BYTES: usize = 256;

/// A chunk that is being written, piece by piece.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    chunk: RecordChunk,
    /// Rows of each series that are written.
    written: Vec<usize>,
}

impl ChunkWriter {
    pub(crate) fn new(chunk: RecordChunk) -> Self {
        let written = vec![0; chunk.series.len()];
        Self { chunk, written }
    }

    /// Appends records in their order until `out` has `target_bytes` or more; true when all are
    /// written. `first` says whether the array of records is still empty.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        first: &mut bool,
        target_bytes: usize,
    ) -> bool {
        let mut writers: Vec<SeriesWriter<'_>> = self
            .chunk
            .series
            .iter()
            .zip(&self.written)
            .map(|((sensor_type, block), &row)| SeriesWriter::new("{", sensor_type, block, row))
            .collect();
        let blocks = self.chunk.series.iter().map(|(_, block)| block);
        let starts = self.written.clone();
        let left = self.chunk.len() - self.written.iter().sum::<usize>();
        let room_bytes = target_bytes.saturating_sub(out.len());
        let wanted = left.saturating_mul(RECORD_TYPICAL_BYTES).min(room_bytes);
        let mut text = RecordText::with_capacity(wanted + RECORD_TYPICAL_BYTES);
        let mut is_whole = true;
        for (series, row) in MergedRows::new(blocks, &starts) {
            if text.len() >= room_bytes {
                is_whole = false;
                break;
            }
            text.push_short(*b",", usize::from(!std::mem::take(first)));
            writers[series].write(&mut text, row);
            self.written[series] = row + 1;
        }
        text.append_to(out);
        is_whole
    }
}

/// Appends what follows the sessions.
pub(crate) fn write_tail(out: &mut String, summary: &PullSummary, log_id: Option<LogId>) {
    out.push_str("],\"deleted_session_ids\":[");
    for (index, id) in summary.deleted_session_ids.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_display::<SessionId>(out, *id);
    }
    out.push_str("],\"server_timestamp\":");
    write_display(out, summary.server_timestamp);
    for (name, count) in [
        (",\"page\":", summary.page as u64),
        (",\"page_size\":", summary.page_size as u64),
        (",\"total\":", summary.total),
    ] {
        out.push_str(name);
        write_integer(out, count);
    }
    out.push_str(if summary.has_more {
        ",\"has_more\":true"
    } else {
        ",\"has_more\":false"
    });
    out.push_str(",\"next_cursor\":");
    write_optional(out, summary.next_cursor.as_ref(), |out, cursor| {
        write_string(out, &cursor.encode());
    });
    write_damage(out, &summary.damaged);
    out.push_str(",\"sync_log_id\":");
    write_optional(out, log_id, |out, id| {
        write_integer(out, id.0.unsigned_abs());
    });
    out.push('}');
}

/// Appends `damaged`, if there is any.
fn write_damage(out: &mut String, damaged: &[(SessionId, Damage)]) {
    for (index, (session, damage)) in damaged.iter().enumerate() {
        out.push_str(if index == 0 { ",\"damaged\":[" } else { "," });
        out.push_str("{\"session_id\":");
        write_display(out, *session);
        out.push_str(",\"sensor_type\":");
        write_string(out, damage.sensor_type.as_str());
        out.push_str(",\"from\":");
        write_sample_time(out, damage.from);
        out.push_str(",\"until\":");
        write_optional(out, damage.until, write_sample_time);
        out.push('}');
    }
    out.push_str(if damaged.is_empty() { "" } else { "]" });
}

/// Writes a value whose text needs no escapes, in quotes.
fn write_display<T: std::fmt::Display>(out: &mut String, value: T) {
    use std::fmt::Write;
    // Writing to a string cannot fail.
    let _ = write!(out, "\"{value}\"");
}

fn write_integer(out: &mut String, integer: u64) {
    out.push_str(itoa::Buffer::new().format(integer));
}

fn write_optional<T>(out: &mut String, value: Option<T>, write: impl FnOnce(&mut String, T)) {
    match value {
        Some(value) => write(out, value),
        None => out.push_str("null"),
    }
}
