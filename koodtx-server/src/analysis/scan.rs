//! The search for anomalies in one sensor: what is normal, then what is not.

use koodtx_core::block::{Block, Columns};

use super::Millis;
use super::SensorAnomalies;
use super::fields::Fields;
use super::join::rows_with;
use super::limits::ANOMALY_TIMESTAMPS_MAX_COUNT;
use super::magnitude::{MAGNITUDE, magnitudes};
use super::moments::Moments;

/// First reading: what is normal for a sensor.
#[derive(Debug)]
pub(super) struct Normal {
    fields: Fields<Moments>,
    magnitude: Moments,
}

/// Second reading: the records that are not normal.
#[derive(Debug)]
pub(super) struct Scan {
    signals: Vec<Signal>,
    sensitivity: f64,
    records: u64,
    count: u64,
    timestamps: Vec<Millis>,
    /// Which rows of the block at hand are anomalous. Kept for its allocation.
    marks: Vec<bool>,
}

/// One signal that is searched.
#[derive(Debug)]
struct Signal {
    name: Box<str>,
    /// Whether it is the length of x, y and z rather than a field.
    computed: bool,
    moments: Moments,
    max_z_score: Option<f64>,
}

impl Normal {
    /// A sensor of which at most `fields` fields are searched.
    pub(super) fn new(fields: usize) -> Self {
        Self {
            fields: Fields::new(fields),
            magnitude: Moments::default(),
        }
    }

    /// Takes in the next records.
    pub(super) fn add(&mut self, block: &Block) {
        let columns = block.columns();
        self.fields.add(columns, |moments, values| {
            for &value in values.iter().filter(|value| value.is_finite()) {
                moments.add(value);
            }
        });
        for (_, length) in magnitudes(columns) {
            self.magnitude.add(length);
        }
    }

    /// The second reading; `None` where the sensor has no numeric signal.
    pub(super) fn scan(self, sensitivity: f64) -> Option<Scan> {
        let signal = |computed, name, moments| Signal {
            name,
            computed,
            moments,
            max_z_score: None,
        };
        let mut fields = self.fields.into_kept();
        let signals: Vec<Signal> = if self.magnitude.count() == 0 {
            let fields = fields.into_iter();
            fields
                .map(|(name, field)| signal(false, name, field))
                .collect()
        } else if let Some(field) = fields.remove(MAGNITUDE) {
            vec![signal(false, MAGNITUDE.into(), field)]
        } else {
            vec![signal(true, MAGNITUDE.into(), self.magnitude)]
        };
        (!signals.is_empty()).then(|| Scan {
            signals,
            sensitivity,
            records: 0,
            count: 0,
            timestamps: Vec::new(),
            marks: Vec::new(),
        })
    }
}

impl Scan {
    /// Takes in the next records.
    pub(super) fn add(&mut self, block: &Block) {
        let columns = block.columns();
        self.marks.clear();
        self.marks.resize(columns.len(), false);
        for signal in &mut self.signals {
            signal.mark(columns, self.sensitivity, &mut self.marks);
        }
        self.records += columns.len() as u64;
        let marked = columns.times_micros().iter().zip(&self.marks);
        for (&time, _) in marked.filter(|&(_, &marked)| marked) {
            self.count += 1;
            if self.timestamps.len() < ANOMALY_TIMESTAMPS_MAX_COUNT {
                self.timestamps.push(Millis::from_micros(time));
            }
        }
    }

    /// What was found.
    pub(super) fn finish(self) -> Option<SensorAnomalies> {
        let z_score = |signal: &Signal| signal.max_z_score.unwrap_or(-1.0);
        // Of equals the first by name; max_by would take the last.
        let largest = self.signals.into_iter().reduce(|best, next| {
            if z_score(&next) > z_score(&best) {
                next
            } else {
                best
            }
        })?;
        Some(SensorAnomalies {
            count: self.count,
            percentage: self.count as f64 * 100.0 / self.records.max(1) as f64,
            mean: largest.moments.mean(),
            std: largest.moments.std(),
            max_z_score: largest.max_z_score,
            field: largest.name.into(),
            more_timestamps: self.count - self.timestamps.len() as u64,
            timestamps: self.timestamps,
        })
    }
}

impl Signal {
    fn mark(&mut self, columns: &Columns, sensitivity: f64, marks: &mut [bool]) {
        if self.computed {
            self.mark_rows(magnitudes(columns), sensitivity, marks);
        } else {
            let rows = rows_with(columns, [&self.name]).into_iter().flatten();
            let rows = rows.map(|(row, [value])| (row, value));
            self.mark_rows(rows, sensitivity, marks);
        }
    }

    fn mark_rows(
        &mut self,
        rows: impl Iterator<Item = (usize, f64)>,
        sensitivity: f64,
        marks: &mut [bool],
    ) {
        let Some(scale) = self.moments.scale() else {
            return;
        };
        for (row, value) in rows {
            let z_score = scale.z_score(value).abs();
            if z_score.is_finite() {
                let max = self.max_z_score.get_or_insert(z_score);
                *max = max.max(z_score);
                if let Some(mark) = marks.get_mut(row) {
                    *mark |= z_score > sensitivity;
                }
            }
        }
    }
}
