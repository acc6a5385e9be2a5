//! The checks, by what they are about. Each is a law in its first line, and a function named so.

pub(super) mod account_races;
pub(super) mod accounts;
pub(super) mod blocks;
pub(super) mod clock;
pub(super) mod counts;
pub(super) mod delete;
pub(super) mod devices;
pub(super) mod isolation;
pub(super) mod limits;
pub(super) mod lists;
pub(super) mod maintenance;
pub(super) mod merge;
pub(super) mod metadata;
pub(super) mod pages;
pub(super) mod persistence;
pub(super) mod races;
pub(super) mod records;
pub(super) mod rounds;
pub(super) mod sign_ins;
pub(super) mod sync_log;
mod threads;
pub(super) mod transfer_copies;
pub(super) mod transfer_exports;
pub(super) mod transfer_imports;
mod transfer_script;
pub(super) mod values;
