//! Instants with microsecond resolution, and the user clock built on them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::STAMP_AHEAD_MAX_MICROS;

/// Microseconds in one millisecond.
pub const MICROS_PER_MILLI: i64 = 1_000;

/// An instant: signed microseconds since 1970-01-01T00:00:00Z.
///
/// One type serves wall clock, user clock, stamps and sample times; what an instant stands for is
/// in the name of the field that holds it. On the wire an instant is RFC 3339 in UTC with `Z`,
/// apart from a sample's `timestamp`, which is milliseconds (see [`crate::sample_time`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch. As a user clock: nothing was ever committed.
    pub const ZERO: Self = Self(0);
    /// 0001-01-01T00:00:00Z, the earliest instant that can be read or written as RFC 3339 here.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-30T22:00:00Z, the latest instant that can be read or written: every offset can
    /// express it within the year 9999.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// An instant from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An instant from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * MICROS_PER_MILLI)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The wall clock of this machine.
    ///
    /// Stores never call this: they get `now` as an argument.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// The instant `micros` microseconds later (earlier when negative), saturating.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an RFC 3339 time with an offset, between the years 1 and 9999 (write it like \
     2025-11-13T12:00:00Z or 2025-11-13T13:00:00.250+01:00)"
)]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with any offset. Digits finer than a microsecond are dropped.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let micros = Self(parsed.as_nanosecond().div_euclid(1_000) as i64);
        if (Self::MIN..=Self::MAX).contains(&micros) {
            Ok(micros)
        } else {
            Err(TimestampError)
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with `Z`, with as many fraction digits as the instant needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clamped = (*self).clamp(Self::MIN, Self::MAX);
        match jiff::Timestamp::from_microsecond(clamped.0) {
            Ok(instant) => instant.fmt(f),
            // Unreachable after the clamp; a wrong text is still better than a panic in a log line.
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One tentative step of a user clock: the instant that a change would carry if it commits.
///
/// A store computes the tick under the user's lock, hands it to the pure functions of this crate,
/// and makes `at` the user's clock only if the change turns out to be effective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    at: Timestamp,
}

impl Tick {
    /// The tick after `last` at wall-clock time `now`: `max(now, last + 1 µs)`.
    pub fn after(last: Timestamp, now: Timestamp) -> Self {
        Self {
            at: now.max(last.plus_micros(1)),
        }
    }

    /// The instant of the tick.
    pub fn at(self) -> Timestamp {
        self.at
    }

    /// The stamp that a write carries: the client's, unless it lies more than
    /// [`STAMP_AHEAD_MAX_MICROS`] ahead of the tick; then the tick itself, so that a device with a
    /// wrong clock cannot pin a value for ever.
    pub fn clamp(self, stamp: Timestamp) -> Timestamp {
        if stamp > self.at.plus_micros(STAMP_AHEAD_MAX_MICROS) {
            self.at
        } else {
            stamp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_prints_utc() {
        let instant: Timestamp = "2025-11-13T13:00:00.250+01:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2025-11-13T12:00:00.25Z");
        assert_eq!(instant, "2025-11-13T12:00:00.25Z".parse().unwrap());
    }

    #[test]
    fn keeps_microseconds_and_drops_finer_digits() {
        let instant: Timestamp = "2025-11-13T12:00:00.123456789Z".parse().unwrap();
        assert_eq!(instant.to_string(), "2025-11-13T12:00:00.123456Z");
    }

    #[test]
    fn refuses_times_without_offset_and_years_out_of_range() {
        for text in [
            "2025-11-13T12:00:00",
            "-000001-01-01T00:00:00Z",
            "yesterday",
            "",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
        assert_eq!(Timestamp::MIN.to_string().parse(), Ok(Timestamp::MIN));
        assert_eq!(Timestamp::MAX.to_string().parse(), Ok(Timestamp::MAX));
    }

    #[test]
    fn tick_steps_even_when_the_wall_clock_does_not() {
        let last = Timestamp::from_micros(100);
        assert_eq!(
            Tick::after(last, Timestamp::from_micros(50))
                .at()
                .as_micros(),
            101
        );
        assert_eq!(
            Tick::after(last, Timestamp::from_micros(100))
                .at()
                .as_micros(),
            101
        );
        assert_eq!(
            Tick::after(last, Timestamp::from_micros(500))
                .at()
                .as_micros(),
            500
        );
    }

    #[test]
    fn a_stamp_from_the_future_is_clamped_only_past_the_tolerance() {
        let tick = Tick::after(Timestamp::ZERO, Timestamp::from_millis(1_000));
        let edge = tick.at().plus_micros(STAMP_AHEAD_MAX_MICROS);
        assert_eq!(tick.clamp(edge), edge);
        assert_eq!(tick.clamp(edge.plus_micros(1)), tick.at());
    }
}
