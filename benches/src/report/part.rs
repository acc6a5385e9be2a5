//! What can be measured, and what is asked of it.

use std::fmt;

use clap::ValueEnum;

/// A store behind the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Store {
    /// The embedded store.
    Sled,
    /// The PostgreSQL store, on a cluster of its own.
    Postgres,
}

impl Store {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 2] = [Self::Sled, Self::Postgres];
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sled => "sled",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A row of the table of targets, or a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// Fresh pushes beside the parse limit.
    Fresh,
    /// Fresh pushes beside InfluxDB.
    Influxdb,
    /// Pushes that are repeated.
    Retry,
    /// Pushes that replace every value.
    Conflict,
    /// Bytes written to disk by small pushes.
    Written,
    /// Bytes on disk.
    Disk,
    /// A full pull.
    Pull,
    /// A pull of what changed, where nothing did.
    Delta,
    /// Pushes into a session that has many samples.
    Grown,
    /// Processor time of fresh pushes.
    Cpu,
    /// Memory under concurrent pushes.
    Memory,
    /// Length of the columnar form.
    ColumnsBytes,
    /// Parsing the columnar form.
    ColumnsTime,
    /// Plot: rate against batch size.
    BatchSizes,
    /// Plot: rate against connections.
    Connections,
    /// Plot: rate against the samples that the session has.
    SessionSizes,
}

impl Part {
    /// The rows, in order.
    pub const ROWS: [Self; 13] = [
        Self::Fresh,
        Self::Influxdb,
        Self::Retry,
        Self::Conflict,
        Self::Written,
        Self::Disk,
        Self::Pull,
        Self::Delta,
        Self::Grown,
        Self::Cpu,
        Self::Memory,
        Self::ColumnsBytes,
        Self::ColumnsTime,
    ];
    /// The plots, in order.
    pub const PLOTS: [Self; 3] = [Self::BatchSizes, Self::Connections, Self::SessionSizes];
}
