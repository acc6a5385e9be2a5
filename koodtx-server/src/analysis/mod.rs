//! What can be computed of stored recordings: statistics of a session, anomalies in it, and totals of
//! a user.
//!
//! Everything streams over [`SyncStore::read_records`](koodtx_core::store::SyncStore::read_records):
//! memory is bounded by [`limits`], whatever is stored. The work between two reads is that of one
//! chunk of records, so an async thread is never held for long.
//!
//! # What is analysed
//!
//! The numeric columns of the records: top-level fields of `data` that hold numbers. Left out are
//! integers beyond ±2^53, numbers inside nested objects and arrays, and the fields of records that
//! have so many that a store keeps them as one JSON object; such records still count, with their
//! times.
//!
//! No result holds NaN or an infinity: what is undefined, or beyond the range of a double, is `null`.

mod anomalies;
mod distribution;
mod fields;
mod join;
pub mod limits;
mod magnitude;
mod millis;
mod moments;
mod pass;
mod quantiles;
mod report;
mod scan;
mod sensor;
mod session;
mod times;
mod track;
mod user;

pub use anomalies::{Anomalies, SensorAnomalies, anomalies};
pub use millis::Millis;
pub use report::{BoundingBox, FieldStatistics, SensorAnalysis, SessionAnalysis, Speed};
pub use session::analyse;
pub use user::{Period, UserStatistics, UserTotals, statistics};
