//! A recording: the samples of all sensors in the order of time.

use std::fmt::Write;

use super::sensor::{SENSORS, SensorKind, Walk};
use super::{Digits, Random};

/// When every recording begins, in milliseconds since the epoch.
pub const RECORDING_START_MILLIS: i64 = 1_763_020_800_000;

const MICROS_PER_MILLI: i64 = 1_000;

/// One sample, as a client holds it before it writes a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    sensor: usize,
    time_millis: i64,
    /// The `data` object.
    data: String,
}

impl Sample {
    /// The sensor.
    pub fn sensor_type(&self) -> &'static str {
        SENSORS[self.sensor].name
    }

    /// When the sample was taken, in milliseconds since the epoch.
    pub fn time_millis(&self) -> i64 {
        self.time_millis
    }

    /// The `data` object as JSON.
    pub fn data(&self) -> &str {
        &self.data
    }
}

/// An endless recording of three motion sensors at 100 Hz and a position once a second.
///
/// Of one sensor no two samples have the same time.
#[derive(Clone, Debug)]
pub struct Recording {
    random: Random,
    digits: Digits,
    tracks: Vec<Track>,
}

/// What one sensor is about to report.
#[derive(Clone, Debug)]
struct Track {
    kind: &'static SensorKind,
    walk: Walk,
    /// Samples reported.
    count: i64,
    /// When the next one is taken, in milliseconds since the epoch.
    next_millis: i64,
}

impl Recording {
    /// A recording that begins at [`RECORDING_START_MILLIS`].
    pub fn new(seed: u64, digits: Digits) -> Self {
        let track = |kind| Track {
            kind,
            walk: Walk::new(kind),
            count: 0,
            next_millis: RECORDING_START_MILLIS,
        };
        Self {
            random: Random::new(seed),
            digits,
            tracks: SENSORS.iter().map(track).collect(),
        }
    }

    /// The next `count` samples.
    pub fn samples(&mut self, count: usize) -> Vec<Sample> {
        (0..count).map(|_| self.sample()).collect()
    }

    fn sample(&mut self) -> Sample {
        let mut sensor = 0;
        for (index, track) in self.tracks.iter().enumerate() {
            if track.next_millis < self.tracks[sensor].next_millis {
                sensor = index;
            }
        }
        let track = &mut self.tracks[sensor];
        let time_millis = track.next_millis;
        let values = track.walk.step(&mut self.random);
        let data = write_data(track.kind, values, self.digits);
        track.advance(&mut self.random);
        Sample {
            sensor,
            time_millis,
            data,
        }
    }
}

impl Track {
    fn advance(&mut self, random: &mut Random) {
        self.count += 1;
        let jitter = random.noise() * self.kind.jitter_micros;
        let micros = self.count * self.kind.period_micros + jitter as i64;
        let millis = RECORDING_START_MILLIS + micros.div_euclid(MICROS_PER_MILLI);
        self.next_millis = millis.max(self.next_millis + 1);
    }
}

fn write_data(kind: &SensorKind, values: &[f64], digits: Digits) -> String {
    let mut data = String::with_capacity(96);
    let mut separator = '{';
    for (field, &value) in kind.fields.iter().zip(values) {
        // Writing to a string cannot fail.
        let _ = write!(data, "{separator}\"{}\":", field.name);
        let _ = match digits {
            Digits::Single if kind.single => write!(data, "{}", f64::from(value as f32)),
            _ => write!(data, "{value:.*}", field.places),
        };
        separator = ',';
    }
    data.push_str(kind.constant);
    data.push('}');
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::SEED;

    #[test]
    fn three_sensors_at_100_hz_and_one_position_a_second() {
        const SECONDS: i64 = 60;
        let mut recording = Recording::new(SEED, Digits::Decimal);
        let samples = recording.samples(301 * SECONDS as usize);
        for kind in &SENSORS {
            let times: Vec<i64> = samples
                .iter()
                .filter(|sample| sample.sensor_type() == kind.name)
                .map(Sample::time_millis)
                .collect();
            assert!(
                times.is_sorted_by(|before, after| before < after),
                "{}",
                kind.name
            );
            let expected = SECONDS * 1_000_000 / kind.period_micros;
            assert!(
                (times.len() as i64 - expected).abs() <= 1,
                "{} {}",
                kind.name,
                times.len()
            );
            let steps: std::collections::BTreeSet<i64> =
                times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(steps.len() > 1, "{} ticks evenly", kind.name);
        }
    }

    #[test]
    fn single_precision_readings_have_all_their_digits() {
        let mut recording = Recording::new(SEED, Digits::Single);
        let samples = recording.samples(301);
        let mut long = 0;
        for sample in samples
            .iter()
            .filter(|sample| sample.sensor_type() != "gps")
        {
            let data: serde_json::Value = serde_json::from_str(sample.data()).unwrap();
            let x = data["x"].as_f64().unwrap();
            assert_eq!(f64::from(x as f32).to_bits(), x.to_bits());
            long += usize::from(x.to_string().len() > 15);
        }
        assert!(long > 250, "{long} of 300");
    }
}
