//! Export of one session as a file: CSV, NDJSON or Parquet, streamed in bounded memory.
//!
//! Records come in the order `(timestamp, sensor_type)`, as in a pull, and none is left out: an
//! export either reaches its end with all of them, or breaks off with an error. Every format is
//! lossless: the `data` of each record can be restored value by value.
//!
//! **NDJSON** has one line a record, `{"sensor_type":…,"timestamp":…,"data":{…}}`, byte for byte as a
//! pull writes it.
//!
//! **CSV and Parquet** are tables with the columns
//!
//! - `timestamp`: in CSV milliseconds with a fraction where there is one, as in a pull; in Parquet a
//!   UTC timestamp in microseconds;
//! - `sensor_type`;
//! - one column of doubles for each numeric field, ordered by name, empty (null) where a record does
//!   not have the field as a number;
//! - `data`: a JSON object with all the rest, empty (null) where that is nothing. The rest is whatever
//!   is no number that a double holds exactly (strings, booleans, `null`, arrays, objects, integers
//!   beyond ±2^53); fields named like one of the columns above; fields beyond the first
//!   [`FIELD_COLUMNS_MAX_COUNT`] by name, or with a name above [`FIELD_COLUMN_NAME_MAX_BYTES`]; fields
//!   that were pushed after the export began; and all of a record with very many fields.
//!
//! To restore the `data` of a record, put the members of `data` and the columns that are not empty
//! into one object: no name stands in both.
//!
//! CSV is UTF-8 with a header, lines end in a line feed. **In CSV a name is either plain or a JSON
//! string**: where the cell of a sensor or a header begins with `"`, read it as JSON. All names are
//! written so that do not begin with a letter, a digit or `_`, or hold a control character, `"`, `,`
//! or `;`. No cell can be taken for a formula that way, and nothing is lost. A `;` inside of a JSON
//! string is always written as `\u003b`, so that splitting lines there makes no other cells.

mod account;
mod csv;
mod encoder;
mod error;
mod format;
mod layout;
mod ndjson;
mod parquet;
mod pump;
mod records;
mod row;
mod row_group;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{StoreError, SyncStore};

pub use account::{ACCOUNT_EXPORT_CONTENT_TYPE, export_account};
pub use error::ExportError;
pub use format::{ExportFormat, ExportFormatError};
pub use layout::{FIELD_COLUMN_NAME_MAX_BYTES, FIELD_COLUMNS_MAX_COUNT};
pub use parquet::COLUMN_CHUNKS_MAX_COUNT;
use pump::Pump;
use records::Records;
pub use row_group::{ROW_GROUP_MAX_BYTES, ROW_GROUP_ROWS_MAX_COUNT};

/// Exports a session; `None` where there is no live session of that id.
///
/// The stream hands out the file piece by piece and reads only as fast as it is read. After an error
/// it ends: what it handed out is no whole file then, and the caller has to cut the connection rather
/// than end the answer. CSV and Parquet read all records for the names of the fields before the first
/// piece, so that damage shows up as the very first item. It has to be polled in a tokio runtime.
///
/// # Errors
/// When the store cannot say whether there is such a session.
pub async fn export(
    store: Arc<dyn SyncStore>,
    user: UserId,
    session: SessionId,
    format: ExportFormat,
) -> Result<Option<impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static>, StoreError> {
    let records = Records::open(store, user, session).await?;
    Ok(records.map(|records| {
        stream::try_unfold(Pump::new(records, format), async |mut pump| {
            Ok(pump.next().await?.map(|piece| (piece, pump)))
        })
    }))
}
