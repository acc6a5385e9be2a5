//! What the devices of a history push.

use super::History;
use crate::conformance::script::{MICROS_PER_SECOND, edited, record, session_with};
use crate::time::Timestamp;

/// One is the beginning of another, one is not ASCII.
pub(super) const SENSORS: [&str; 4] = ["gps", "gps2", "a", "\u{10fffd}µ"];
/// Times of samples are this far apart at least, in milliseconds.
pub(super) const SAMPLE_MILLIS: u64 = 10;
/// Most samples of a usual push and sensor; they fall on a grid this long, so keys meet.
const FEW_SAMPLES: u64 = 20;
/// Most samples of a large push and sensor: several blocks.
pub(super) const MANY_SAMPLES: u64 = 1_500;
/// Values of `data`. The first two are equal.
const VALUES: [&str; 12] = [
    r#"{"x":1,"y":2.5}"#,
    r#"{"y":2.5,"x":1.0}"#,
    r#"{"x":-0.1,"y":1e300,"z":9007199254740993}"#,
    r#"{"x":2}"#,
    r#"{"x":null}"#,
    r#"{"x":"2"}"#,
    r"{}",
    r#"{"":true}"#,
    r#"{"deep":[{"er":[1,"ü",{"a":null}]}]}"#,
    r#"{"text":"\"\\\u0001😀"}"#,
    r#"{"x":0.1,"extra":[1,2,3]}"#,
    r#"{"x":123456789012345678901234567890}"#,
];

impl History {
    /// A client's stamp, most of the time none: old, recent, or too far in the future.
    fn stamp(&mut self) -> Option<Timestamp> {
        let seconds = match self.dice.below(8) {
            0 => -100_000,
            1 => -(self.dice.below(5_000) as i64),
            2 => 60,
            3 => 100_000,
            _ => return None,
        };
        Some(self.now.plus_micros(seconds * MICROS_PER_SECOND))
    }

    pub(super) fn session_text(&mut self) -> String {
        let mut members = Vec::new();
        let choices = [
            r#""end_time":"2025-11-13T01:00:00Z""#,
            r#""end_time":null"#,
            r#""is_active":true"#,
            r#""is_active":false"#,
            r#""enabled_sensors":["gps","a"]"#,
            r#""sample_rate":12.5"#,
            r#""notes":"run""#,
            r#""notes":null"#,
        ];
        // No more than one of the members that exclude each other.
        for pair in choices.chunks(2) {
            if self.dice.one_in(3) {
                members.push(self.dice.pick(pair));
            }
        }
        let mut text = members.join(",");
        if let Some(stamp) = self.stamp() {
            let comma = if text.is_empty() { "" } else { "," };
            text = format!("{text}{comma}\"updated_at\":\"{stamp}\"");
        }
        session_with(self.session(), &text)
    }

    pub(super) fn records(&mut self) -> Vec<String> {
        let mut records = Vec::new();
        for sensor in SENSORS {
            if self.dice.one_in(2) {
                continue;
            }
            let (many, grid) = match self.dice.below(12) {
                0 => (MANY_SAMPLES, MANY_SAMPLES),
                // Far apart: few samples in the middle of many, or far behind them.
                1..4 => (FEW_SAMPLES, 3 * MANY_SAMPLES),
                _ => (FEW_SAMPLES, FEW_SAMPLES),
            };
            let value = self.dice.pick(&VALUES);
            for _ in 0..self.dice.below(many) {
                // Half the samples lie between two milliseconds.
                let half = if self.dice.one_in(2) { ".5" } else { "" };
                let millis = format!("{}{half}", SAMPLE_MILLIS * self.dice.below(grid));
                let data = if self.dice.one_in(3) {
                    self.dice.pick(&VALUES)
                } else {
                    value
                };
                let stamp = if self.dice.one_in(4) {
                    self.stamp()
                } else {
                    None
                };
                records.push(match stamp {
                    Some(stamp) => edited(sensor, millis, data, stamp),
                    None => record(sensor, millis, data),
                });
            }
        }
        records
    }
}
