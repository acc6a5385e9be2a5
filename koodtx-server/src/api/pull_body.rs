//! The streamed body of a pull.

use std::io;

use futures_util::stream;
use koodtx_core::service::{Pull, PullEvent, PullStream, PullWriter};
use poem::Body;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::error::report;

/// What is read from the store before it can be written, and written before it can be sent. More would
/// only take memory: whoever is slowest is never without work.
const EVENTS_AHEAD_COUNT: usize = 1;
const PIECES_AHEAD_COUNT: usize = 1;

const GONE: &str = "the client went away before the end of the answer";
const FAILED: &str = "the store failed in the middle of the answer";

/// A pull on its way to the client.
enum Sending {
    /// Nothing was sent. Most answers are a single piece.
    Begin(Box<Begin>),
    /// A task reads and another writes what follows.
    Rest(mpsc::Receiver<Piece>),
    End,
}

/// A part of the answer, or that it broke off.
enum Piece {
    Part(Vec<u8>),
    Last(Vec<u8>),
    Broken,
}

/// What the store failed to read; it is in the server's log.
struct Failed;

/// The answer as it is read from the store: no more than a few chunks of it are in memory.
///
/// A failure in the middle ends the connection without the end of the body, so that no client takes
/// a part for the whole.
pub(super) fn pull_body(stream: PullStream, leftovers: TaskTracker) -> Body {
    let begin = Sending::Begin(Box::new(Begin {
        stream: Some(stream),
        leftovers,
    }));
    Body::from_bytes_stream(stream::unfold(begin, |sending| async move {
        let (piece, rest) = match sending {
            Sending::Begin(begin) => begin.send().await?,
            Sending::Rest(mut pieces) => {
                let piece = pieces.recv().await.unwrap_or(Piece::Broken);
                (piece, Sending::Rest(pieces))
            }
            Sending::End => return None,
        };
        Some(match piece {
            Piece::Part(part) => (Ok(part), rest),
            Piece::Last(part) => (Ok(part), Sending::End),
            Piece::Broken => (Err(io::Error::other("the answer broke off")), Sending::End),
        })
    }))
}

/// A pull of which nothing was sent.
struct Begin {
    stream: Option<PullStream>,
    leftovers: TaskTracker,
}

impl Begin {
    /// The first piece, and what follows it.
    async fn send(mut self) -> Option<(Piece, Sending)> {
        match self.stream.as_mut()?.next_chunk().await {
            Ok(piece) => {
                let stream = self.stream.take()?;
                let piece = piece.unwrap_or_default();
                Some(if stream.is_at_end() {
                    (Piece::Last(piece), Sending::End)
                } else {
                    (Piece::Part(piece), go_on(stream, &self.leftovers))
                })
            }
            Err(error) => {
                tracing::error!(%error, "a pull broke off at its beginning");
                self.abort(FAILED);
                Some((Piece::Broken, Sending::End))
            }
        }
    }

    /// Gives the pull up and has it logged as failed.
    fn abort(&mut self, reason: &'static str) {
        if let (Some(stream), Ok(runtime)) =
            (self.stream.take(), tokio::runtime::Handle::try_current())
        {
            let (pull, _) = stream.into_parts();
            let log = abort(pull, reason).in_current_span();
            self.leftovers.spawn_on(log, &runtime);
        }
    }
}

impl Drop for Begin {
    fn drop(&mut self) {
        self.abort(GONE);
    }
}

async fn abort(pull: Pull, reason: &str) {
    if let Err(error) = pull.abort(reason).await {
        report(&error);
    }
}

/// Has the rest read, written and sent at the same time.
fn go_on(stream: PullStream, leftovers: &TaskTracker) -> Sending {
    let (pull, writer) = stream.into_parts();
    let (to_writer, events) = mpsc::channel(EVENTS_AHEAD_COUNT);
    let (to_client, pieces) = mpsc::channel(PIECES_AHEAD_COUNT);
    // Shutting down waits until it is logged how the pull ended.
    leftovers.spawn(read(pull, to_writer).in_current_span());
    tokio::spawn(write(writer, events, to_client).in_current_span());
    Sending::Rest(pieces)
}

/// Reads ahead of the writer, until there is nobody who waits for it.
async fn read(mut pull: Pull, to_writer: mpsc::Sender<Result<PullEvent, Failed>>) {
    let reason = loop {
        if pull.ends_next() {
            // The end is logged as a success, so what comes before it has to be written by then.
            let all = to_writer.reserve_many(to_writer.max_capacity()).await;
            if all.is_err() {
                break GONE;
            }
        }
        let event = match pull.next().await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "a pull broke off in the middle");
                Err(Failed)
            }
        };
        let has_failed = event.is_err();
        if to_writer.send(event).await.is_err() {
            break GONE;
        }
        if has_failed {
            break FAILED;
        }
    };
    abort(pull, reason).await;
}

/// Writes ahead of the client.
async fn write(
    mut writer: PullWriter,
    mut events: mpsc::Receiver<Result<PullEvent, Failed>>,
    to_client: mpsc::Sender<Piece>,
) {
    loop {
        while let Some(part) = writer.piece() {
            let piece = if writer.is_at_end() {
                Piece::Last(part)
            } else {
                Piece::Part(part)
            };
            if to_client.send(piece).await.is_err() {
                return;
            }
        }
        match events.recv().await {
            Some(Ok(event)) => writer.push(event),
            // Without its last piece, the answer counts as broken.
            Some(Err(Failed)) | None => return,
        }
    }
}
