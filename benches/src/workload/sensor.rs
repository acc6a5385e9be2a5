//! The sensors of a phone.

use super::Random;

/// How a client prints its readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digits {
    /// Rounded to 4, 5 or 6 places, by sensor.
    Decimal,
    /// A single-precision reading as the double that equals it, with all of its digits.
    Single,
}

/// One field of `data`.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    /// What the reading wanders about.
    centre: f64,
    /// Standard deviation of the change from one sample to the next.
    step: f64,
    /// Places of a rounded reading.
    pub places: usize,
}

/// What one kind of sensor reports, and how often.
#[derive(Debug)]
pub(super) struct SensorKind {
    pub name: &'static str,
    pub fields: &'static [Field],
    /// A member of `data` that is the same in every sample, as JSON behind a comma.
    pub constant: &'static str,
    /// Microseconds from one sample to the next.
    pub period_micros: i64,
    /// Standard deviation of the time of a sample about its place, in microseconds.
    pub jitter_micros: f64,
    /// Whether the sensor itself reads in single precision.
    pub single: bool,
}

/// How strongly a reading is drawn back to its centre, per sample.
const PULL: f64 = 0.01;

/// Motion sensors of a recording.
pub const MOTION_SENSORS_COUNT: usize = 3;

const fn field(name: &'static str, centre: f64, step: f64, places: usize) -> Field {
    Field {
        name,
        centre,
        step,
        places,
    }
}

const MOTION_PERIOD_MICROS: i64 = 10_000;
const MOTION_JITTER_MICROS: f64 = 900.0;

const fn motion(name: &'static str, fields: &'static [Field]) -> SensorKind {
    SensorKind {
        name,
        fields,
        constant: "",
        period_micros: MOTION_PERIOD_MICROS,
        jitter_micros: MOTION_JITTER_MICROS,
        single: true,
    }
}

/// All sensors of a recording, in the order in which they report.
pub(super) static SENSORS: [SensorKind; MOTION_SENSORS_COUNT + 1] = [
    // m/s²
    motion(
        "accelerometer",
        &[
            field("x", 0.0, 0.2, 4),
            field("y", 0.0, 0.2, 4),
            field("z", 9.81, 0.2, 4),
        ],
    ),
    // rad/s
    motion(
        "gyroscope",
        &[
            field("x", 0.0, 0.03, 6),
            field("y", 0.0, 0.03, 6),
            field("z", 0.0, 0.03, 6),
        ],
    ),
    // µT
    motion(
        "magnetometer",
        &[
            field("x", 21.0, 0.3, 5),
            field("y", -4.0, 0.3, 5),
            field("z", -43.0, 0.3, 5),
        ],
    ),
    SensorKind {
        name: "gps",
        fields: &[
            field("latitude", 45.772_1, 0.000_01, 6),
            field("longitude", 14.357_6, 0.000_01, 6),
            field("altitude", 542.0, 0.4, 4),
            field("accuracy", 5.0, 0.2, 4),
            field("speed", 1.4, 0.1, 4),
        ],
        constant: ",\"provider\":\"gps\"",
        period_micros: 1_000_000,
        jitter_micros: 3_000.0,
        single: false,
    },
];

/// The readings of one sensor: a random walk that stays near its centre.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    kind: &'static SensorKind,
    values: Vec<f64>,
}

impl Walk {
    pub(super) fn new(kind: &'static SensorKind) -> Self {
        Self {
            kind,
            values: kind.fields.iter().map(|field| field.centre).collect(),
        }
    }

    /// The readings one sample later.
    pub(super) fn step(&mut self, random: &mut Random) -> &[f64] {
        for (value, field) in self.values.iter_mut().zip(self.kind.fields) {
            *value += field.step * random.noise() - PULL * (*value - field.centre);
        }
        &self.values
    }
}
