//! The records of a push while they are read: by series, and those that were refused.

use std::collections::HashMap;

use super::fault::Fault;
use super::{PushBatch, PushError, RecordError, SeriesBatch, SeriesBuilder};
use crate::id::SensorType;
use crate::json::scanner::StringToken;
use crate::limits::{
    PUSH_ERROR_DETAILS_MAX_COUNT, PUSH_RECORDS_MAX_COUNT, SESSION_SENSOR_TYPES_MAX_COUNT,
    too_many_sensor_types,
};
use crate::session::SessionPatch;

/// What was read so far.
pub(super) struct Gathered {
    /// The member of the body that is being read.
    member: &'static str,
    pub(super) series: Vec<(SensorType, SeriesBuilder)>,
    index: HashMap<SensorType, usize>,
    /// The series of the record before: sensors mostly take turns.
    pub(super) last: usize,
    /// Records read, refused ones included.
    pub(super) total: u64,
    errors: u64,
    details: Vec<RecordError>,
}

impl Gathered {
    pub(super) fn new(member: &'static str) -> Self {
        Self {
            member,
            series: Vec::new(),
            index: HashMap::new(),
            last: 0,
            total: 0,
            errors: 0,
            details: Vec::new(),
        }
    }

    /// How many more records the push may carry.
    pub(super) fn room(&self) -> usize {
        PUSH_RECORDS_MAX_COUNT - (self.total as usize).min(PUSH_RECORDS_MAX_COUNT)
    }

    /// The push carries more records than it may.
    pub(super) fn too_many_records(&self) -> PushError {
        PushError::too_large(
            self.member,
            format!("one push may carry at most {PUSH_RECORDS_MAX_COUNT} records; split it"),
        )
    }

    /// Counts a record that is refused, whose index is the number of those before it.
    pub(super) fn refuse(&mut self, (code, message): Fault) {
        if self.details.len() < PUSH_ERROR_DETAILS_MAX_COUNT {
            self.details.push(RecordError {
                index: self.total,
                code,
                message,
            });
        }
        self.errors += 1;
        self.total += 1;
    }

    /// The series of a sensor type; `None` where it is not valid.
    #[inline]
    pub(super) fn series_of(&mut self, token: StringToken<'_>) -> Result<Option<usize>, PushError> {
        if !token.escaped {
            for guess in [self.last + 1, 0, self.last] {
                if self
                    .series
                    .get(guess)
                    .is_some_and(|(known, _)| known.as_str() == token.raw)
                {
                    return Ok(Some(guess));
                }
            }
        }
        let Ok(name) = token.decode() else {
            return Ok(None);
        };
        if let Some(&series) = self.index.get(&*name) {
            return Ok(Some(series));
        }
        let Ok(sensor_type) = SensorType::new(&name) else {
            return Ok(None);
        };
        // Refused records may name types too, so leave some room; `finish` counts exactly.
        if self.series.len() > 2 * SESSION_SENSOR_TYPES_MAX_COUNT {
            return Err(PushError::too_large(self.member, too_many_sensor_types()));
        }
        self.series
            .push((sensor_type.clone(), SeriesBuilder::default()));
        self.index.insert(sensor_type, self.series.len() - 1);
        Ok(Some(self.series.len() - 1))
    }

    /// The push, sorted.
    pub(super) fn finish(self, session: SessionPatch) -> Result<PushBatch, PushError> {
        let mut replaced = 0;
        let mut series = Vec::with_capacity(self.series.len());
        for (sensor_type, builder) in self.series {
            if builder.len() == 0 {
                continue;
            }
            let (records, again) = builder.finish();
            replaced += again;
            series.push(SeriesBatch {
                sensor_type,
                records,
            });
        }
        if series.len() > SESSION_SENSOR_TYPES_MAX_COUNT {
            return Err(PushError::too_large(self.member, too_many_sensor_types()));
        }
        series.sort_unstable_by(|left, right| left.sensor_type.cmp(&right.sensor_type));
        Ok(PushBatch {
            session,
            series,
            total_records: self.total,
            replaced,
            errors: self.errors,
            error_details: self.details,
        })
    }
}
