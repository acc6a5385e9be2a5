//! JSON as this protocol needs it: a scanner for the hot path, and exact values for the rest.
//!
//! `serde_json` reads pull bodies and single members of `session`. Everything else of a push goes
//! through a scanner of our own, which knows no allocation per record, finds a fault in one record
//! without giving up on the others, and keeps integers of any size exact.

pub(crate) mod number;
pub(crate) mod number_list;
pub(crate) mod number_writer;
pub(crate) mod plain;
pub(crate) mod record_text;
pub(crate) mod scanner;
mod value;
pub(crate) mod write;

pub use record_text::RecordText;
pub(crate) use record_text::append;
pub use value::{Json, JsonError, Number, canonical_text};
pub use write::{write_f64, write_string};
