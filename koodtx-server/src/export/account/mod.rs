//! Export of everything of one account, as a ZIP file that is streamed in bounded memory.
//!
//! | member | what it holds |
//! | --- | --- |
//! | `account.json` | the account, when the export began, and the user clock at that time |
//! | `sign_ins.ndjson` | where the user is signed in, a line each |
//! | `sessions.ndjson` | all sessions, a line each, in the order in which the server first saw them; of a deleted one `session_id` and `deleted_at` |
//! | `samples/000001.ndjson`, … | the samples, a line each: session after session, and in each as in a pull, with the `session_id` before it. A part ends where it has about 64 MiB |
//! | `analyses.ndjson` | the latest analysis of each session that has one |
//! | `sync_log.ndjson` | the sync log, the oldest entry first |
//! | `damaged.ndjson` | stretches of samples that cannot be read, as a pull names them; only where there are any |
//! | `summary.json` | how much of everything there is |
//!
//! Sessions are those that there were when the export began. What changes meanwhile may or may not be in
//! it; a session that is deleted meanwhile has no samples, and one that loses samples while they are read
//! breaks the export off. The directory of a ZIP file is its end, so a file that was cut short is none.

mod archive;
mod lines;
mod pump;
mod sessions;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use koodtx_core::store::{Store, User};
use koodtx_core::time::Timestamp;

use super::ExportError;
use pump::AccountPump;

/// The media type of the file.
pub const ACCOUNT_EXPORT_CONTENT_TYPE: &str = "application/zip";

/// Exports everything of an account, as of `now`.
///
/// The stream hands out the file piece by piece and reads only as fast as it is read; it holds no lock and
/// no transaction meanwhile. After an error it ends: what it handed out is no whole file then, and the
/// caller has to cut the connection rather than end the answer. It has to be polled in a tokio runtime.
pub fn export_account(
    store: Arc<dyn Store>,
    user: User,
    now: Timestamp,
) -> impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static {
    stream::try_unfold(AccountPump::new(store, user, now), async |mut pump| {
        Ok(pump.next().await?.map(|piece| (piece, pump)))
    })
}
