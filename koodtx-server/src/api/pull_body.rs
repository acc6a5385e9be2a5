//! The streamed body of a pull.

use std::io;

use futures_util::stream;
use koodtx_core::service::{Pull, PullEvent, PullStream, PullWriter};
use poem::Body;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::error::report;

/// Events and pieces that wait. Whoever makes one first waits for its place, so of a slow client no more than
/// two chunks and three pieces are in memory, and a third chunk while one is put together.
const AHEAD_COUNT: usize = 1;

const GONE: &str = "the client went away before the end of the answer";
const FAILED: &str = "the store failed in the middle of the answer";

/// The answer as it is read from the store.
///
/// A failure in the middle ends the connection without the end of the body, so that no client takes
/// a part for the whole.
pub(super) fn pull_body(stream: PullStream, leftovers: TaskTracker) -> Body {
    let (pull, writer) = stream.into_parts();
    let pull = Some(pull);
    let begin = Sending::Begin(Box::new((OpenPull { pull, leftovers }, writer)));
    Body::from_bytes_stream(stream::unfold(begin, |sending| async move {
        let (piece, rest) = match sending {
            Sending::Begin(begin) => send_first(*begin).await,
            Sending::Rest(mut pieces) => {
                let piece = pieces.recv().await.unwrap_or(Piece::Broken);
                (piece, Sending::Rest(pieces))
            }
            Sending::End => return None,
        };
        Some(match piece {
            Piece::Part(part) => (Ok(part), rest),
            Piece::Last(part) => (Ok(part), Sending::End),
            Piece::Broken => {
                let error = io::Error::other("the answer broke off");
                (Err(error), Sending::End)
            }
        })
    }))
}

/// A pull on its way to the client.
enum Sending {
    /// Nothing was sent. Most answers are a single piece.
    Begin(Box<(OpenPull, PullWriter)>),
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

/// The store failed; the server's log says how.
struct Failed;

/// A pull whose end was not reached. Dropped, it is logged as failed.
struct OpenPull {
    pull: Option<Pull>,
    /// Shutting down waits for these.
    leftovers: TaskTracker,
}

impl OpenPull {
    /// The next event; `None` behind the end.
    async fn next(&mut self) -> Result<Option<PullEvent>, Failed> {
        if self.ends_next() {
            return self.end().await;
        }
        let Some(pull) = &mut self.pull else {
            return Ok(None);
        };
        match pull.next().await {
            Ok(event) => Ok(event),
            Err(error) => {
                tracing::error!(%error, "a pull broke off");
                self.abort(FAILED);
                Err(Failed)
            }
        }
    }

    /// The end, which is logged also when the client goes away meanwhile.
    async fn end(&mut self) -> Result<Option<PullEvent>, Failed> {
        let Some(mut pull) = self.pull.take() else {
            return Ok(None);
        };
        let end = async move { pull.next().await }.in_current_span();
        match self.leftovers.spawn(end).await {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(error)) => {
                tracing::error!(%error, "a pull broke off at its end");
                Err(Failed)
            }
            Err(error) => {
                tracing::error!(%error, "a pull was stopped at its end");
                Err(Failed)
            }
        }
    }

    /// Whether nothing but the end follows, with which the pull is logged as a success.
    fn ends_next(&self) -> bool {
        self.pull.as_ref().is_none_or(Pull::ends_next)
    }

    fn abort(&mut self, reason: &'static str) {
        if let (Some(pull), Ok(runtime)) = (self.pull.take(), tokio::runtime::Handle::try_current())
        {
            let log = async move {
                if let Err(error) = pull.abort(reason).await {
                    report(&error);
                }
            };
            self.leftovers.spawn_on(log.in_current_span(), &runtime);
        }
    }
}

impl Drop for OpenPull {
    fn drop(&mut self) {
        self.abort(GONE);
    }
}

/// The first piece, and what sends the others.
async fn send_first((mut pull, mut writer): (OpenPull, PullWriter)) -> (Piece, Sending) {
    loop {
        if let Some(part) = writer.piece() {
            return if writer.is_at_end() {
                (Piece::Last(part), Sending::End)
            } else {
                (Piece::Part(part), send_rest(pull, writer))
            };
        }
        match pull.next().await {
            Ok(Some(event)) => writer.push(event),
            Ok(None) | Err(Failed) => return (Piece::Broken, Sending::End),
        }
    }
}

/// Has the rest read, written and sent at the same time.
fn send_rest(pull: OpenPull, writer: PullWriter) -> Sending {
    let (to_writer, events) = mpsc::channel(AHEAD_COUNT);
    let (to_client, pieces) = mpsc::channel(AHEAD_COUNT);
    let leftovers = pull.leftovers.clone();
    leftovers.spawn(read(pull, to_writer).in_current_span());
    leftovers.spawn(write(writer, events, to_client).in_current_span());
    Sending::Rest(pieces)
}

/// What the writer is handed.
enum Read {
    Event(PullEvent),
    /// All was read. Who has written it asks for the end.
    All(Box<OpenPull>),
}

/// Reads ahead of the writer, until there is none.
async fn read(mut pull: OpenPull, to_writer: mpsc::Sender<Read>) {
    while let Ok(place) = to_writer.reserve().await {
        if pull.ends_next() {
            return place.send(Read::All(Box::new(pull)));
        }
        match pull.next().await {
            Ok(Some(event)) => place.send(Read::Event(event)),
            Ok(None) | Err(Failed) => return,
        }
    }
}

/// Writes ahead of the client, until there is none. Without its last piece, the answer counts as broken.
async fn write(
    mut writer: PullWriter,
    mut events: mpsc::Receiver<Read>,
    to_client: mpsc::Sender<Piece>,
) {
    while let Ok(place) = to_client.reserve().await {
        let part = loop {
            if let Some(part) = writer.piece() {
                break part;
            }
            let read = events.recv().await;
            if to_client.is_closed() {
                return;
            }
            let event = match read {
                Some(Read::Event(event)) => Some(event),
                Some(Read::All(mut pull)) => pull.next().await.ok().flatten(),
                None => None,
            };
            let Some(event) = event else { return };
            writer.push(event);
        };
        if writer.is_at_end() {
            return place.send(Piece::Last(part));
        }
        place.send(Piece::Part(part));
    }
}
