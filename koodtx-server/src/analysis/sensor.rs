//! The analysis of one sensor, as its records come.

use std::collections::BTreeMap;

use koodtx_core::block::Block;

use super::Millis;
use super::distribution::Distribution;
use super::fields::Fields;
use super::magnitude::{MAGNITUDE, magnitudes};
use super::quantiles::ExactBudget;
use super::report::SensorAnalysis;
use super::times::{GapCounter, Gaps, Times};
use super::track::Track;

/// Microseconds in a second.
const SECOND_MICROS: f64 = 1_000_000.0;
/// Microseconds in a millisecond.
const MILLI_MICROS: f64 = 1_000.0;

/// What is known of a sensor so far.
#[derive(Debug)]
pub(super) struct Sensor {
    times: Times,
    fields: Fields<Distribution>,
    magnitude: Distribution,
    track: Track,
}

impl Sensor {
    /// A sensor of which at most `fields` fields are analysed.
    pub(super) fn new(fields: usize) -> Self {
        Self {
            times: Times::default(),
            fields: Fields::new(fields),
            magnitude: Distribution::default(),
            track: Track::default(),
        }
    }

    /// Takes in the next records.
    pub(super) fn add(&mut self, block: &Block, budget: &mut ExactBudget) {
        let columns = block.columns();
        self.times.add(columns.times_micros(), budget);
        self.fields.add(columns, |field, values| {
            for &value in values {
                field.add(value, budget);
            }
        });
        for (_, length) in magnitudes(columns) {
            self.magnitude.add(length, budget);
        }
        self.track.add(columns);
    }

    /// The analysis, and a counter where the gaps have to be counted in a second reading; `None`
    /// without records.
    pub(super) fn finish(self) -> Option<(SensorAnalysis, Option<GapCounter>)> {
        let timing = self.times.finish()?;
        let fields_omitted = self.fields.omitted();
        let named = |(name, field): (Box<str>, Distribution)| (name.into(), field.finish());
        let mut statistics: BTreeMap<String, _> =
            self.fields.into_kept().into_iter().map(named).collect();
        if self.magnitude.moments.count() > 0 {
            statistics
                .entry(MAGNITUDE.into())
                .or_insert_with(|| self.magnitude.finish());
        }
        let duration_micros = timing.last_micros - timing.first_micros;
        let (gaps, counter) = match timing.gaps {
            Gaps::Counted(gaps) => (gaps, None),
            Gaps::Uncounted(counter) => (0, Some(counter)),
        };
        let analysis = SensorAnalysis {
            count: timing.count,
            duration_ms: Millis::from_micros(duration_micros),
            first_timestamp: Millis::from_micros(timing.first_micros),
            last_timestamp: Millis::from_micros(timing.last_micros),
            sample_rate_hz: (duration_micros > 0)
                .then(|| (timing.count - 1) as f64 / (duration_micros as f64 / SECOND_MICROS)),
            gaps,
            jitter_ms: timing.jitter_micros.map(|micros| micros / MILLI_MICROS),
            statistics,
            fields_omitted,
            distance_km: self.track.distance_km(),
            bounding_box: self.track.bounding_box(),
            speed: self.track.speed(),
        };
        Some((analysis, counter))
    }
}
