//! The suite that every store must pass.
//!
//! Each law of the [store traits](crate::store) has checks here: small functions that push what a
//! client would push, as JSON, and compare what comes back. A store of your own gets all of them in
//! a few lines, each as a test with a name:
//!
//! ```
//! # use koodtx_core::memory::MemoryStore as MyStore;
//! use std::sync::Arc;
//! use koodtx_core::conformance::Harness;
//!
//! async fn fresh() -> Harness {
//!     Harness::new(Arc::new(MyStore::new()))
//! }
//! koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer);
//! ```
//!
//! What the store needs to live (a temporary folder) goes into [`Harness::with_guard`]; how to open
//! it again, for the part `persistence`, into [`Harness::with_reopen`]. Without macros,
//! [`checks`] lists the checks and [`run_all`] runs them with a [`Report`].
//!
//! Every check is itself checked: for each there is a broken store that fails it (the test
//! `saboteurs` of this crate).

#![allow(
    clippy::missing_errors_doc,
    reason = "all fail with what a check reports: `Failure`"
)]

mod checks;
mod failure;
mod follower;
mod harness;
mod history;
mod run;
mod script;
mod suite;

pub use failure::{Failure, Outcome};
pub use follower::{Copy, Follower, SessionCopy, metadata, whole_copy};
pub use harness::Harness;
pub use history::{HistoryPlan, run_history};
pub use run::{Check, Part, Report, run_all, run_test};
pub use suite::checks;
