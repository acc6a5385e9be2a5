//! Push: from the bytes of a body to a batch that is ready to merge.

mod batch;
mod error;
mod parse;
mod series;
mod template;

pub use batch::{PushBatch, RecordError, SeriesBatch};
pub use error::{PushError, PushErrorKind};
pub(crate) use series::SeriesBuilder;
