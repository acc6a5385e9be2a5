//! Pull: queries, cursors and the page that a device gets.

mod cursor;
mod encode;
mod group_writer;
mod order;
mod query;
mod request;
mod series_writer;

pub use cursor::{Cursor, CursorError};
pub(crate) use encode::{ChunkWriter, write_session, write_tail};
pub(crate) use group_writer::GroupWriter;
pub use order::MergedRows;
pub use query::{
    Damage, PageStart, PullHead, PullQuery, RecordChunk, RecordPosition, RecordQuery, RoundKey,
    is_round_fresh,
};
pub use request::{PullRequest, PullRequestError};
pub use series_writer::{FieldWriter, SeriesWriter};
