//! How long a soak lasts, and what is due when.

use std::env;
use std::time::Duration;

/// How long the devices are at work, where nobody says otherwise.
const DEFAULT_SECONDS: u64 = 15;
const SECONDS_VARIABLE: &str = "KOODTX_SOAK_SECONDS";
/// From here on memory is compared over time: in less it has not settled.
const LONG_FROM: Duration = Duration::from_mins(5);
/// The server is restarted once, after this part of the time.
const FIRST_LEG_PART: f64 = 0.25;
/// What gets old in the course of a soak does so within this part of the time.
const AGING_BEGIN_PART: f64 = 0.05;
const AGING_END_PART: f64 = 0.9;

/// The times of a soak.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    total: Duration,
}

impl Plan {
    pub fn from_environment() -> Self {
        let seconds = match env::var(SECONDS_VARIABLE) {
            Ok(text) => text.parse().unwrap_or_else(|_| {
                panic!("{SECONDS_VARIABLE} has to be a number of seconds, not {text:?}")
            }),
            Err(_) => DEFAULT_SECONDS,
        };
        Self {
            total: Duration::from_secs(seconds),
        }
    }

    pub fn total(self) -> Duration {
        self.total
    }

    pub fn is_long(self) -> bool {
        self.total >= LONG_FROM
    }

    /// How long the devices work before and after the restart.
    pub fn legs(self) -> [Duration; 2] {
        [FIRST_LEG_PART, 1.0 - FIRST_LEG_PART].map(|part| self.total.mul_f64(part))
    }

    /// When the `nth` of `count` things gets too old, from the beginning.
    pub fn aged_at(self, nth: usize, count: usize) -> Duration {
        let done = nth as f64 / count as f64;
        let part = AGING_BEGIN_PART + done * (AGING_END_PART - AGING_BEGIN_PART);
        self.total.mul_f64(part)
    }

    /// The pause of what has to happen `count` times.
    pub fn pause(self, count: usize) -> Duration {
        self.total / count as u32
    }
}
