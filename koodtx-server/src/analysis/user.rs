//! Totals of a user's sessions.

use std::collections::BTreeMap;

use koodtx_core::id::{SensorType, UserId};
use koodtx_core::limits::PAGE_SIZE_MAX_COUNT;
use koodtx_core::store::{SessionDetail, StoreError, SyncStore};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Millis;
use super::limits::USAGE_SENSOR_TYPES_MAX_COUNT;
use super::report::is_false;

/// Microseconds in an hour.
const HOUR_MICROS: f64 = 3_600_000_000.0;
/// Microseconds in a millisecond.
const MILLI_MICROS: f64 = 1_000.0;

/// Totals of the sessions that began within a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserStatistics {
    /// The period.
    pub period: Period,
    /// The totals.
    pub statistics: UserTotals,
}

/// From `start` up to, but not including, `end`; open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant.
    pub start: Option<Timestamp>,
    /// The first instant behind.
    pub end: Option<Timestamp>,
}

/// Totals of several sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserTotals {
    /// Live sessions.
    pub total_sessions: u64,
    /// Records stored.
    pub total_data_records: u64,
    /// Duration of all sessions, in milliseconds. A session lasts to its end, or while it has none to
    /// its last sample.
    pub total_duration_ms: Millis,
    /// The same in hours.
    pub total_duration_hours: f64,
    /// Duration of a session, in milliseconds; undefined without sessions.
    pub average_session_duration_ms: Option<f64>,
    /// Records of each sensor.
    pub sensor_types_usage: BTreeMap<SensorType, u64>,
    /// Whether there are more sensor types than
    /// [`USAGE_SENSOR_TYPES_MAX_COUNT`]; those met last are left out of the usage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensor_types_omitted: bool,
}

/// Adds up the live sessions of a user whose `start_time` lies in `[from, to)`.
///
/// No record is read: the cost is that of the session list and one look-up a session.
///
/// # Errors
/// When the store fails.
pub async fn statistics(
    store: &dyn SyncStore,
    user: UserId,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<UserStatistics, StoreError> {
    let period = Period {
        start: from,
        end: to,
    };
    let mut totals = UserTotals::default();
    let mut before = None;
    loop {
        let page = store.sessions(user, before, PAGE_SIZE_MAX_COUNT).await?;
        before = page.sessions.last().map(|session| session.created_at);
        for session in page.sessions {
            if !period.contains(session.fields.start_time()) {
                continue;
            }
            // It may have been deleted, or moved out of the period, since the page was read.
            if let Some(detail) = store.session(user, session.id).await?
                && period.contains(detail.state.fields.start_time())
            {
                totals.add(&detail);
            }
        }
        if !page.has_more || before.is_none() {
            break;
        }
    }
    totals.derive();
    Ok(UserStatistics {
        period,
        statistics: totals,
    })
}

impl Period {
    fn contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time < end)
    }
}

impl UserTotals {
    fn add(&mut self, session: &SessionDetail) {
        self.total_sessions += 1;
        self.total_data_records += session.state.data_count;
        let total = self.total_duration_ms.as_micros();
        self.total_duration_ms =
            Millis::from_micros(total.saturating_add(duration_micros(session)));
        for series in &session.series {
            if let Some(records) = self.sensor_types_usage.get_mut(&series.sensor_type) {
                *records += series.count;
            } else if self.sensor_types_usage.len() < USAGE_SENSOR_TYPES_MAX_COUNT {
                let sensor_type = series.sensor_type.clone();
                self.sensor_types_usage.insert(sensor_type, series.count);
            } else {
                self.sensor_types_omitted = true;
            }
        }
    }

    /// Fills in what follows from the sums.
    fn derive(&mut self) {
        let micros = self.total_duration_ms.as_micros() as f64;
        self.total_duration_hours = micros / HOUR_MICROS;
        self.average_session_duration_ms =
            (self.total_sessions > 0).then(|| micros / MILLI_MICROS / self.total_sessions as f64);
    }
}

/// How long a session lasted, in microseconds; 0 where it ends before it begins.
fn duration_micros(session: &SessionDetail) -> i64 {
    let fields = &session.state.fields;
    let last_sample = || session.series.iter().map(|series| series.last).max();
    let end = fields.end_time().or_else(last_sample);
    let micros = end.map_or(0, |end| {
        end.as_micros()
            .saturating_sub(fields.start_time().as_micros())
    });
    micros.max(0)
}
