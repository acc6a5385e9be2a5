//! What has to hold of every push that was read.

use std::collections::BTreeMap;

use koodtx_core::id::SensorType;
use koodtx_core::limits::PUSH_ERROR_DETAILS_MAX_COUNT;
use koodtx_core::push::PushBatch;
use koodtx_core::sample_time::is_sample_time;
use koodtx_core::time::Timestamp;

/// A record as it should be stored.
#[derive(Debug, PartialEq)]
pub struct Sample {
    /// When the client last modified it.
    pub updated_at: Option<Timestamp>,
    /// Its `data`.
    pub data: String,
}

/// Samples by sensor and time.
pub type Samples = BTreeMap<(SensorType, Timestamp), Sample>;

/// Checks that counts add up and everything is in order.
///
/// # Panics
/// If not.
pub fn adds_up(batch: &PushBatch) {
    let kept: usize = batch.series.iter().map(|series| series.records.len()).sum();
    assert_eq!(
        batch.total_records,
        kept as u64 + batch.replaced + batch.errors
    );
    assert_eq!(
        batch.error_details.len() as u64,
        batch.errors.min(PUSH_ERROR_DETAILS_MAX_COUNT as u64)
    );
    let indices = batch.error_details.iter().map(|detail| detail.index);
    assert!(indices.clone().is_sorted_by(|left, right| left < right));
    assert!(indices.max().is_none_or(|last| last < batch.total_records));
    let types = batch.series.iter().map(|series| &series.sensor_type);
    assert!(types.is_sorted_by(|left, right| left < right));
    for series in &batch.series {
        let records = &series.records;
        assert!(!records.is_empty());
        let times = (0..records.len()).map(|row| records.time(row));
        assert!(times.clone().is_sorted_by(|left, right| left < right));
        assert!(times.into_iter().all(is_sample_time));
    }
}

/// The samples of a push.
pub fn samples(batch: &PushBatch) -> Samples {
    let rows = batch.series.iter().flat_map(|series| {
        let records = &series.records;
        (0..records.len()).map(|row| {
            let key = (series.sensor_type.clone(), records.time(row));
            let sample = Sample {
                updated_at: records.updated_at(row),
                data: records.data(row),
            };
            (key, sample)
        })
    });
    rows.collect()
}
