//! The session analysis against a memory store.

mod anomalies;
mod awkward;
mod naive;
mod naive_equality;
mod real_recordings;
mod sketched;
mod support;
mod user_statistics;
