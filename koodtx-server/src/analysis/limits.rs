//! What bounds an analysis, by name. The unit is the last word of a name.

/// Most values of a field whose percentiles are exact; beyond, they come from a t-digest.
pub const EXACT_VALUES_MAX_COUNT: usize = 16_384;
/// Most values held for exact percentiles at a time, over all fields of a session (16 MiB). Fields
/// that find none left go on with a t-digest early.
pub const SESSION_EXACT_VALUES_MAX_COUNT: usize = 2 * 1024 * 1024;
/// Centroids of a t-digest. With its buffer it takes about 6 KiB, and its percentiles are off by
/// less than half a percent in rank.
pub const SKETCH_CENTROIDS_MAX_COUNT: usize = 100;
/// Most fields of a sensor that are analysed: the first to appear, by name where several appear in
/// the same record.
pub const SENSOR_FIELDS_MAX_COUNT: usize = 64;
/// Most fields of a session that are analysed; each sensor gets an equal share, at most
/// [`SENSOR_FIELDS_MAX_COUNT`].
pub const SESSION_FIELDS_MAX_COUNT: usize = 4_096;
/// Longest name of a field that is analysed, in bytes. With as many fields as a session may have, an
/// analysis stays below the 4 MiB that a store takes, even where every byte of a name is escaped.
pub const FIELD_NAME_MAX_BYTES: usize = 64;
/// Most fields left out that are counted, a sensor.
pub const OMITTED_FIELDS_MAX_COUNT: usize = 256;

/// Records read from the store in one step, about.
pub const READ_CHUNK_RECORDS_COUNT: usize = 8_192;

/// Intervals longer than this many median intervals are gaps.
pub const GAP_MEDIANS_COUNT: f64 = 5.0;

/// Most timestamps of anomalies that are named, a sensor; the others are counted.
pub const ANOMALY_TIMESTAMPS_MAX_COUNT: usize = 10;

/// Most sensor types that the statistics of a user tell apart.
pub const USAGE_SENSOR_TYPES_MAX_COUNT: usize = 10_000;
