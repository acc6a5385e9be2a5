//! The analysis of one session.

use std::collections::BTreeMap;

use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::store::{StoreError, SyncStore};
use koodtx_core::time::Timestamp;

use super::fields::fields_limit;
use super::pass::Source;
use super::quantiles::ExactBudget;
use super::report::{SensorAnalysis, SessionAnalysis};
use super::sensor::Sensor;
use super::times::GapCounter;

/// Analyses a session's records sensor by sensor; `None` where there is no such live session.
///
/// The records are read once; twice where a sensor has more than
/// [`EXACT_VALUES_MAX_COUNT`](super::limits::EXACT_VALUES_MAX_COUNT) intervals, since its gaps can
/// only be counted once the median interval is known. `now` becomes `analyzed_at`.
///
/// # Errors
/// When the store fails.
pub async fn analyse(
    store: &dyn SyncStore,
    user: UserId,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<SessionAnalysis>, StoreError> {
    // Read before the records: what is pushed meanwhile has a later clock.
    let Some(detail) = store.session(user, session).await? else {
        return Ok(None);
    };
    let source = Source {
        store,
        user,
        session,
    };
    let fields = fields_limit(detail.series.len());
    let mut budget = ExactBudget::default();
    let mut sensors: BTreeMap<SensorType, Sensor> = BTreeMap::new();
    let incomplete = source
        .read(|sensor_type, block| {
            if let Some(sensor) = sensors.get_mut(sensor_type) {
                sensor.add(block, &mut budget);
            } else {
                let mut sensor = Sensor::new(fields);
                sensor.add(block, &mut budget);
                sensors.insert(sensor_type.clone(), sensor);
            }
        })
        .await?;

    let mut analysis = BTreeMap::new();
    let mut counters = BTreeMap::new();
    for (sensor_type, sensor) in sensors {
        let Some((sensor, counter)) = sensor.finish() else {
            continue;
        };
        if let Some(counter) = counter {
            counters.insert(sensor_type.clone(), counter);
        }
        analysis.insert(sensor_type, sensor);
    }
    count_gaps(source, counters, &mut analysis).await?;

    Ok(Some(SessionAnalysis {
        session_id: session,
        total_records: analysis.values().map(|sensor| sensor.count).sum(),
        sensor_types: analysis.keys().cloned().collect(),
        analysis,
        incomplete,
        analyzed_at: now,
        computed_at_clock: detail.state.updated_at,
    }))
}

/// Counts the gaps of the sensors that have too many intervals to keep them.
async fn count_gaps(
    source: Source<'_>,
    mut counters: BTreeMap<SensorType, GapCounter>,
    analysis: &mut BTreeMap<SensorType, SensorAnalysis>,
) -> Result<(), StoreError> {
    if counters.is_empty() {
        return Ok(());
    }
    source
        .read(|sensor_type, block| {
            if let Some(counter) = counters.get_mut(sensor_type) {
                counter.add(block.columns().times_micros());
            }
        })
        .await?;
    for (sensor_type, counter) in counters {
        if let Some(sensor) = analysis.get_mut(&sensor_type) {
            sensor.gaps = counter.gaps();
        }
    }
    Ok(())
}
