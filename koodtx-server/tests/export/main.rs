//! Exports of every format, and of whole accounts, read back and compared to what the store holds.

mod account;
mod breaks;
mod edges;
mod python;
mod random;
mod real_recordings;
mod support;
