//! Push: from the bytes of a body to a batch that is ready to merge.

mod batch;
mod body;
mod columns;
mod error;
mod fault;
mod gathered;
mod literal;
mod parse;
mod series;
mod template;

pub use batch::{PushBatch, RecordError, SeriesBatch};
pub(crate) use body::{COLUMNS, RECORDS};
pub use error::{PushError, PushErrorKind};
pub(crate) use series::SeriesBuilder;
