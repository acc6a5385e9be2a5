//! What the members of the file hold, as JSON.

use koodtx_core::id::SessionId;
use koodtx_core::pull::{Damage, RecordChunk};
use koodtx_core::sample_time::write_sample_time;
use koodtx_core::session::SessionState;
use koodtx_core::store::{Analysis, SignIn, User};
use koodtx_core::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::ExportError;
use super::super::ndjson::record_lines;

/// Names the form of the file; another number is another form.
const FORMAT: &str = "koodtx-account-1";

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) sign_ins: u64,
    pub(super) sessions: u64,
    pub(super) deleted_sessions: u64,
    pub(super) records: u64,
    pub(super) analyses: u64,
    pub(super) sync_log_entries: u64,
    pub(super) damaged: u64,
}

/// A value as a line.
pub(super) fn line(value: &impl Serialize) -> Result<Vec<u8>, ExportError> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

pub(super) fn account(user: &User, now: Timestamp, clock: Timestamp) -> Value {
    json!({ "format": FORMAT, "exported_at": now, "server_timestamp": clock, "user": user })
}

pub(super) fn sign_in(sign_in: &SignIn) -> Value {
    json!({
        "sign_in_id": sign_in.id.0.to_string(),
        "device_id": sign_in.device_id,
        "created_at": sign_in.created_at,
        "expires_at": sign_in.expires_at,
    })
}

/// A session with the names of a pull, or what is left of a deleted one.
pub(super) fn session(state: &SessionState) -> Value {
    let fields = &state.fields;
    if !state.live {
        return json!({ "session_id": state.id, "deleted_at": state.deleted_at });
    }
    json!({
        "session_id": state.id,
        "start_time": fields.start_time(),
        "end_time": fields.end_time(),
        "is_active": fields.is_active(),
        "enabled_sensors": fields.enabled_sensors(),
        "sample_rate": fields.sample_rate(),
        "data_count": state.data_count,
        "notes": fields.notes(),
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "data_purged_at": state.data_purged_at,
    })
}

/// The records of a chunk, each as in a pull with the session before it.
pub(super) fn records(session: SessionId, chunk: &RecordChunk) -> String {
    record_lines(chunk, &format!("{{\"session_id\":\"{session}\","))
}

/// An analysis, its result to the character.
pub(super) fn analysis(analysis: &Analysis) -> Result<Vec<u8>, ExportError> {
    #[derive(Serialize)]
    struct Line<'a> {
        session_id: SessionId,
        computed_at_clock: Timestamp,
        analysis: &'a RawValue,
    }
    let result: &RawValue = serde_json::from_str(&analysis.result)?;
    line(&Line {
        session_id: analysis.session,
        computed_at_clock: analysis.clock,
        analysis: result,
    })
}

/// A stretch of samples that cannot be read.
pub(super) fn damage(session: SessionId, damage: &Damage) -> String {
    let time = |at: Timestamp| {
        let mut text = String::new();
        write_sample_time(&mut text, at);
        text
    };
    let sensor_type = json!(damage.sensor_type.as_str());
    let until = damage.until.map_or_else(|| "null".to_owned(), time);
    let from = time(damage.from);
    format!(
        "{{\"session_id\":\"{session}\",\"sensor_type\":{sensor_type},\"from\":{from},\"until\":{until}}}\n"
    )
}
