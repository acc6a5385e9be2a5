//! Exports of every format, read back and compared to what the store holds.

mod breaks;
mod edges;
mod python;
mod random;
mod real_recordings;
mod support;
