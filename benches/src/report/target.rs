//! The targets: what is promised of the speed, as ratios that hold on any machine.

use std::fmt;

use super::part::{Part, Store};

/// What a value has to keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Limit {
    /// Whether a value keeps to it.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
        }
    }
}

/// What a row measures.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// In words, with the unit.
    pub what: &'static str,
    /// Places of the number that are worth printing.
    pub places: usize,
    sled: Limit,
    postgres: Limit,
}

impl Target {
    /// The limit for a store.
    pub fn limit(&self, store: Store) -> Limit {
        match store {
            Store::Sled => self.sled,
            Store::Postgres => self.postgres,
        }
    }
}

impl Part {
    /// What the row is to keep to; plots have nothing to keep to.
    pub fn target(self) -> Option<Target> {
        let target = |what, places, sled, postgres| Target {
            what,
            places,
            sled,
            postgres,
        };
        let at_least = |what, sled, postgres| {
            Some(target(
                what,
                2,
                Limit::AtLeast(sled),
                Limit::AtLeast(postgres),
            ))
        };
        let at_most = |what, places, sled, postgres| {
            Some(target(
                what,
                places,
                Limit::AtMost(sled),
                Limit::AtMost(postgres),
            ))
        };
        match self {
            Self::Fresh => at_least("fresh push over HTTP, of the parse limit", 0.5, 0.3),
            Self::Influxdb => at_least("fresh push over HTTP, of InfluxDB's rate", 2.5, 1.5),
            Self::Retry => at_least("re-push of the same bodies, of the fresh rate", 1.5, 1.3),
            Self::Conflict => at_least("conflicting re-push, of the fresh rate", 0.7, 0.6),
            Self::Written => at_most(
                "100-sample pushes into a growing series: bytes written to disk per byte of JSON",
                2,
                4.0,
                4.0,
            ),
            Self::Disk => at_most(
                "bytes on disk per sample, one hour of three sensors at 100 Hz, after close",
                1,
                24.0,
                40.0,
            ),
            Self::Pull => at_least(
                "full pull of a session of an hour, samples/s of those of the fresh rate",
                1.5,
                1.5,
            ),
            Self::Delta => at_most(
                "delta pull, nothing changed: latency at 1,000,000 sessions, of that at 100",
                2,
                1.5,
                1.5,
            ),
            Self::Grown => at_least(
                "push rate into a session of 10,000,000 samples, of that into an empty one",
                0.9,
                0.9,
            ),
            Self::Cpu => at_most(
                "processor seconds of server and database per million fresh samples",
                2,
                1.5,
                3.0,
            ),
            Self::Memory => at_most(
                "peak resident memory of the server under 64 concurrent pushes of 10,000 samples, MiB",
                0,
                256.0,
                256.0,
            ),
            Self::ColumnsBytes => {
                at_most("columnar form, bytes of the documented one", 2, 0.5, 0.5)
            }
            Self::ColumnsTime => at_most(
                "columnar form, time to parse of the documented one",
                2,
                0.5,
                0.5,
            ),
            Self::BatchSizes | Self::Connections | Self::SessionSizes => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_targets_and_plots_have_none() {
        for row in Part::ROWS {
            let target = row.target().unwrap();
            assert!(!target.what.is_empty());
        }
        assert!(Part::PLOTS.iter().all(|plot| plot.target().is_none()));
    }

    #[test]
    fn a_limit_is_met_on_its_own_side_and_at_itself() {
        let (least, most) = (Limit::AtLeast(0.5), Limit::AtMost(0.5));
        assert_eq!(
            [0.4, 0.5, 0.6].map(|value| least.is_met(value)),
            [false, true, true]
        );
        assert_eq!(
            [0.4, 0.5, 0.6].map(|value| most.is_met(value)),
            [true, true, false]
        );
    }
}
