//! Sessions that are long in different ways.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::MEBIBYTE_BYTES;

/// Time of the first sample, in milliseconds.
pub const BEGIN_MILLIS: i64 = 1_700_000_000_000;
/// Bytes of random text in a sample of [`Shape::TEXTS`]; twice as many characters.
const TEXT_BYTES: usize = 4_000;

/// One session, in pushes of the same size.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub pushes_count: usize,
    pub records_of_push_count: usize,
    /// Series that the samples take turns in.
    sensor_types_count: usize,
    has_text: bool,
    /// What the server may need for pulls of it beyond what it had before them.
    pub growth_max_bytes: u64,
}

impl Shape {
    /// A million samples of one sensor.
    pub const MILLION: Self = Self {
        pushes_count: 20,
        records_of_push_count: 50_000,
        sensor_types_count: 1,
        has_text: false,
        growth_max_bytes: 64 * MEBIBYTE_BYTES,
    };
    /// As many sensors as a session may have, side by side in time: every pull has a block of each
    /// at hand.
    pub const SERIES: Self = Self {
        pushes_count: 4,
        records_of_push_count: 50_000,
        sensor_types_count: 1_000,
        has_text: false,
        growth_max_bytes: 96 * MEBIBYTE_BYTES,
    };
    /// Samples of 8 KB that do not compress: they fill the cache of the store, which aims at 32 MiB
    /// and goes beyond where single values are large.
    pub const TEXTS: Self = Self {
        pushes_count: 16,
        records_of_push_count: 500,
        sensor_types_count: 1,
        has_text: true,
        growth_max_bytes: 256 * MEBIBYTE_BYTES,
    };

    pub fn records_count(self) -> usize {
        self.pushes_count * self.records_of_push_count
    }

    pub fn body(self, push: usize) -> String {
        let mut random = StdRng::seed_from_u64(push as u64);
        let mut body = format!("{{\"session\":{},\"sensor_data\":[", session());
        for index in 0..self.records_of_push_count {
            let separator = if index == 0 { "" } else { "," };
            let index = push * self.records_of_push_count + index;
            let millis = BEGIN_MILLIS + (index / self.sensor_types_count) as i64 * 10;
            let sensor = index % self.sensor_types_count;
            let x: f64 = random.random();
            // Writing to a string cannot fail.
            let _ = write!(
                body,
                "{separator}{{\"sensor_type\":\"s{sensor}\",\"timestamp\":{millis},\"data\":{{\"x\":{x}"
            );
            if self.has_text {
                body.push_str(",\"text\":\"");
                push_text(&mut body, &mut random);
                body.push('"');
            }
            body.push_str("}}");
        }
        body.push_str("]}");
        body
    }
}

/// The session of every shape.
pub fn session() -> Value {
    json!({ "session_id": Uuid::from_u128(1).to_string(), "start_time": "2023-11-14T22:13:20Z" })
}

fn push_text(body: &mut String, random: &mut StdRng) {
    let mut bytes = [0; TEXT_BYTES];
    random.fill_bytes(&mut bytes);
    for byte in bytes {
        body.extend([byte >> 4, byte & 15].map(|digit| char::from(b'a' + digit)));
    }
}
