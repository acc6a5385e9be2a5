//! Records that lie far from what is normal for their sensor.

use std::collections::BTreeMap;

use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::store::{StoreError, SyncStore};
use serde::{Deserialize, Serialize};

use super::Millis;
use super::fields::fields_limit;
use super::pass::Source;
use super::report::is_false;
use super::scan::{Normal, Scan};

/// The anomalies of one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomalies {
    /// The session.
    pub session_id: SessionId,
    /// How many standard deviations from the mean are still normal.
    pub sensitivity: f64,
    /// The anomalies of each sensor that has a numeric signal, also where there are none.
    pub anomalies: BTreeMap<SensorType, SensorAnomalies>,
    /// Anomalous records of all sensors.
    pub total_anomalies: u64,
    /// Whether stored records are damaged and therefore left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub incomplete: bool,
}

/// The anomalies of one sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensorAnomalies {
    /// Anomalous records.
    pub count: u64,
    /// Their share of the sensor's records, in percent.
    pub percentage: f64,
    /// Mean of the field `field`.
    pub mean: Option<f64>,
    /// Population standard deviation of the field `field`.
    pub std: Option<f64>,
    /// The largest distance from the mean in standard deviations; undefined for a constant signal.
    pub max_z_score: Option<f64>,
    /// The field that holds `max_z_score`: `magnitude` for sensors with `x`, `y` and `z`.
    pub field: String,
    /// Times of the first anomalous records, in milliseconds since the epoch; at most
    /// [`ANOMALY_TIMESTAMPS_MAX_COUNT`](super::limits::ANOMALY_TIMESTAMPS_MAX_COUNT).
    pub timestamps: Vec<Millis>,
    /// How many anomalous records follow those.
    pub more_timestamps: u64,
}

/// Finds the records of a session that lie more than `sensitivity` standard deviations from the mean
/// of their sensor; `None` where there is no such live session.
///
/// Of three-axis sensors, those with numeric `x`, `y` and `z`, the magnitude is searched, of others
/// every numeric field, as far as fields are [analysed](super) at all. A signal that is constant but
/// for rounding has no anomalies. `sensitivity` should be finite and above 0. The records are read
/// twice.
///
/// # Errors
/// When the store fails.
pub async fn anomalies(
    store: &dyn SyncStore,
    user: UserId,
    session: SessionId,
    sensitivity: f64,
) -> Result<Option<Anomalies>, StoreError> {
    let Some(detail) = store.session(user, session).await? else {
        return Ok(None);
    };
    let source = Source {
        store,
        user,
        session,
    };
    let fields = fields_limit(detail.series.len());
    let mut normal: BTreeMap<SensorType, Normal> = BTreeMap::new();
    let mut incomplete = source
        .read(|sensor_type, block| {
            if let Some(normal) = normal.get_mut(sensor_type) {
                normal.add(block);
            } else {
                let mut new = Normal::new(fields);
                new.add(block);
                normal.insert(sensor_type.clone(), new);
            }
        })
        .await?;

    let mut scans: BTreeMap<SensorType, Scan> = normal
        .into_iter()
        .filter_map(|(sensor_type, normal)| Some((sensor_type, normal.scan(sensitivity)?)))
        .collect();
    incomplete |= source
        .read(|sensor_type, block| {
            if let Some(scan) = scans.get_mut(sensor_type) {
                scan.add(block);
            }
        })
        .await?;

    let anomalies: BTreeMap<_, _> = scans
        .into_iter()
        .filter_map(|(sensor_type, scan)| Some((sensor_type, scan.finish()?)))
        .collect();
    Ok(Some(Anomalies {
        session_id: session,
        sensitivity,
        total_anomalies: anomalies.values().map(|sensor| sensor.count).sum(),
        anomalies,
        incomplete,
    }))
}
