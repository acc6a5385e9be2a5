//! The streamed body of a pull.

use std::io;

use futures_util::stream;
use koodtx_core::service::PullStream;
use poem::Body;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::error::report;

/// A pull on its way to the client.
struct Sending {
    stream: Option<PullStream>,
    leftovers: TaskTracker,
}

impl Sending {
    /// Gives the pull up and has it logged as failed.
    fn abort(&mut self, reason: &'static str) {
        if let (Some(stream), Ok(runtime)) =
            (self.stream.take(), tokio::runtime::Handle::try_current())
        {
            let log = async move {
                if let Err(error) = stream.abort(reason).await {
                    report(&error);
                }
            };
            self.leftovers.spawn_on(log.in_current_span(), &runtime);
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.abort("the client went away before the end of the answer");
    }
}

/// The answer as it is read from the store: never more than a chunk of it is in memory.
///
/// A failure in the middle ends the connection without the end of the body, so that no client takes
/// a part for the whole.
pub(super) fn pull_body(stream: PullStream, leftovers: TaskTracker) -> Body {
    let sending = Sending {
        stream: Some(stream),
        leftovers,
    };
    Body::from_bytes_stream(stream::unfold(sending, |mut sending| async move {
        let stream = sending.stream.as_mut()?;
        match stream.next_chunk().await {
            Ok(Some(chunk)) => Some((Ok(chunk), sending)),
            Ok(None) => {
                // Nothing is left to abort.
                drop(sending.stream.take());
                None
            }
            Err(error) => {
                tracing::error!(%error, "a pull broke off in the middle");
                sending.abort("the store failed in the middle of the answer");
                Some((Err(io::Error::other("the answer broke off")), sending))
            }
        }
    }))
}
