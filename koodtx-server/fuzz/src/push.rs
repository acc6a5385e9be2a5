//! What has to hold of every push that was read.

use std::collections::BTreeMap;

use koodtx_core::id::SensorType;
use koodtx_core::limits::PUSH_ERROR_DETAILS_MAX_COUNT;
use koodtx_core::push::{PushBatch, PushError, PushErrorKind};
use koodtx_core::sample_time::is_sample_time;
use koodtx_core::time::Timestamp;
use serde::de::IgnoredAny;

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

/// Limits are in bytes as sent, white space included; below this all spellings of a body are alike.
const BODY_MAX_BYTES: usize = 4 * 1024;

/// Checks that a body is malformed exactly where it is no JSON object, and that a batch adds up; returns
/// both, where all spellings of the body are alike.
///
/// # Panics
/// If not.
pub fn understood(bytes: &[u8], parsed: Result<PushBatch, PushError>) -> Option<(&str, PushBatch)> {
    let Ok(text) = str::from_utf8(bytes) else {
        assert!(parsed.is_err_and(|error| error.kind() == PushErrorKind::Malformed));
        return None;
    };
    let is_object = text.trim_ascii_start().starts_with('{')
        && serde_json::from_str::<IgnoredAny>(text).is_ok();
    let batch = match parsed {
        Ok(batch) => batch,
        Err(error) => {
            assert!(
                error.kind() != PushErrorKind::Malformed || !is_object,
                "{error}"
            );
            return None;
        }
    };
    assert!(is_object);
    adds_up(&batch);
    (text.len() <= BODY_MAX_BYTES).then_some((text, batch))
}

/// Checks that counts add up and everything is in order.
///
/// # Panics
/// If not.
fn adds_up(batch: &PushBatch) {
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
