//! Reading a request body: decoded, in bounded memory, in bounded time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::Body;
use poem::http::{HeaderMap, header};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tokio_util::io::StreamReader;

use super::budget::{Budget, BudgetUse, Share};
use super::coding::Coding;
use crate::metrics::BodyBytes;

/// What a body starts with, in memory, and what it grows by at least.
const BUFFER_MIN_BYTES: usize = 16 * 1024;
/// How much of a declared Content-Length is believed before it has arrived.
const BUFFER_DECLARED_MAX_BYTES: usize = 256 * 1024;
/// How much is decoded before other tasks of the thread get their turn.
const DECODE_TURN_BYTES: usize = 1024 * 1024;
/// Longest time that a push may take, however steadily it comes.
const PUSH_TOTAL_MAX_SECONDS: u64 = 30 * 60;

/// Limits on request bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Largest body of a push, in bytes, before and after decompression.
    pub push_max_bytes: usize,
    /// Largest body of every other request, in bytes, before and after decompression.
    pub other_max_bytes: usize,
    /// Memory for all pushes in flight, in bytes.
    pub push_memory_max_bytes: usize,
    /// Memory for the bodies of all other requests in flight, in bytes.
    pub other_memory_max_bytes: usize,
    /// Longest wait for the next part of a body.
    pub idle_timeout: Duration,
    /// Longest time that a body of a request other than a push may take, however steadily it comes.
    pub other_timeout: Duration,
}

/// Which limits a body falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// Those of pushes.
    Push,
    /// Those of all other requests.
    Other,
}

/// Why a body could not be had.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit.
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// Its Content-Encoding is not known.
    Encoding {
        /// The ones that are.
        accepted: Vec<&'static str>,
    },
    /// Its Content-Type is not JSON.
    NotJson,
    /// It stopped coming.
    TimedOut,
    /// The connection broke, or the framing is wrong.
    Incomplete,
    /// It does not decode.
    Undecodable,
    /// There is no memory left for it.
    NoRoom,
}

/// What the headers say of a body.
#[derive(Clone, Debug)]
pub(crate) struct BodyHead {
    media_type: Option<String>,
    codings: Vec<String>,
    length_bytes: Option<u64>,
}

impl BodyHead {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            media_type: headers
                .get(header::CONTENT_TYPE)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            codings: headers
                .get_all(header::CONTENT_ENCODING)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect(),
            length_bytes: text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok()),
        }
    }

    fn is_json(&self) -> bool {
        let essence = self
            .media_type
            .as_deref()
            .and_then(|text| text.split(';').next());
        let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    }

    fn coding(&self) -> Result<Option<Coding>, BodyError> {
        let refused = || BodyError::Encoding {
            accepted: Coding::ALL.iter().map(|coding| coding.name()).collect(),
        };
        match self.codings.as_slice() {
            [] => Ok(None),
            [one] if one.trim().is_empty() || one.trim().eq_ignore_ascii_case("identity") => {
                Ok(None)
            }
            [one] => Coding::of_name(one.trim()).map(Some).ok_or_else(refused),
            _ => Err(refused()),
        }
    }
}

/// A body that has arrived whole. It holds its part of the memory budget until it is dropped.
#[derive(Debug)]
pub struct ReceivedBody {
    bytes: Vec<u8>,
    share: Share,
}

impl ReceivedBody {
    /// The decoded bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Drops the bytes and keeps their part of the budget, for what was made of them.
    pub(crate) fn into_share(self) -> Share {
        self.share
    }
}

/// Reads bodies within [`BodyLimits`].
#[derive(Clone, Debug)]
pub struct BodyReader {
    limits: BodyLimits,
    pushes: Budget,
    others: Budget,
    counted: BodyBytes,
}

impl BodyReader {
    /// A reader with memory budgets of its own.
    pub fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            pushes: Budget::new(limits.push_memory_max_bytes),
            others: Budget::new(limits.other_memory_max_bytes),
            counted: BodyBytes::default(),
        }
    }

    /// Counts what it reads there.
    #[must_use]
    pub(crate) fn counting(mut self, counted: BodyBytes) -> Self {
        self.counted = counted;
        self
    }

    /// The memory that pushes hold, and that of all other requests.
    pub(crate) fn memory(&self) -> [BudgetUse; 2] {
        [self.pushes.in_use(), self.others.in_use()]
    }

    /// Reads a JSON body. An empty body needs no Content-Type.
    pub(crate) async fn read_json(
        &self,
        head: &BodyHead,
        body: Body,
        kind: BodyKind,
    ) -> Result<ReceivedBody, BodyError> {
        let coding = head.coding()?;
        let limit_bytes = self.limit_bytes(kind);
        if head
            .length_bytes
            .is_some_and(|length| length > limit_bytes as u64)
        {
            return Err(BodyError::TooLarge { limit_bytes });
        }
        let may_be_empty = head.length_bytes.unwrap_or(0) == 0;
        if !head.is_json() && !may_be_empty {
            return Err(BodyError::NotJson);
        }
        let received = self.read(head, coding, body, kind).await?;
        self.counted.decoded(received.bytes.len());
        if !head.is_json() && !received.bytes.is_empty() {
            return Err(BodyError::NotJson);
        }
        Ok(received)
    }

    async fn read(
        &self,
        head: &BodyHead,
        coding: Option<Coding>,
        body: Body,
        kind: BodyKind,
    ) -> Result<ReceivedBody, BodyError> {
        let reading = self.begin(kind);
        let mut wire = StreamReader::new(Wire {
            stream: Box::pin(body.into_bytes_stream().fuse()),
            left_bytes: reading.limit_bytes,
            fault: reading.fault.clone(),
            counted: self.counted.clone(),
        });
        // Before anything is taken: a client that only says that a body will come gets no memory.
        reading.in_time(wire.fill_buf()).await?;

        let declared = head.length_bytes.unwrap_or(0);
        let declared = usize::try_from(declared).unwrap_or(reading.limit_bytes);
        let Some(coding) = coding else {
            return reading.collect(wire, declared).await;
        };
        // Each window is held while decoding only.
        match kind {
            BodyKind::Push => {
                let _window = reading.take(coding.window_max_bytes())?;
                reading.collect(coding.decode(wire), 0).await
            }
            // Short enough to arrive whole first, so that no slow client holds a window at all.
            BodyKind::Other => {
                let compressed = reading.collect(wire, declared).await?;
                let _window = reading.take(coding.window_max_bytes())?;
                let bytes = io::Cursor::new(compressed.bytes);
                reading.collect(coding.decode(bytes), 0).await
            }
        }
    }

    fn limit_bytes(&self, kind: BodyKind) -> usize {
        match kind {
            BodyKind::Push => self.limits.push_max_bytes,
            BodyKind::Other => self.limits.other_max_bytes,
        }
    }

    fn begin(&self, kind: BodyKind) -> Reading<'_> {
        let (budget, total) = match kind {
            BodyKind::Push => (&self.pushes, Duration::from_secs(PUSH_TOTAL_MAX_SECONDS)),
            BodyKind::Other => (&self.others, self.limits.other_timeout),
        };
        Reading {
            budget,
            limit_bytes: self.limit_bytes(kind),
            idle_timeout: self.limits.idle_timeout,
            deadline: Instant::now() + total,
            fault: Arc::new(AtomicU8::new(NO_FAULT)),
        }
    }
}

/// One body that is being read.
struct Reading<'a> {
    budget: &'a Budget,
    limit_bytes: usize,
    idle_timeout: Duration,
    deadline: Instant,
    fault: Arc<AtomicU8>,
}

impl Reading<'_> {
    /// Reads to the end, into memory that is taken from the budget as it is needed.
    async fn collect(
        &self,
        mut reader: impl AsyncRead + Unpin,
        declared: usize,
    ) -> Result<ReceivedBody, BodyError> {
        let limit_bytes = self.limit_bytes;
        let mut share = Share::none();
        let mut bytes = Vec::new();
        let mut turn_bytes = 0;
        loop {
            if bytes.len() == bytes.capacity() {
                self.grow(&mut bytes, &mut share, declared)?;
            }
            let count = self.in_time(reader.read_buf(&mut bytes)).await?;
            if bytes.len() > limit_bytes {
                return Err(BodyError::TooLarge { limit_bytes });
            }
            if count == 0 {
                return Ok(ReceivedBody { bytes, share });
            }
            turn_bytes += count;
            if turn_bytes >= DECODE_TURN_BYTES {
                turn_bytes = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for the next part, as long as the limits allow, and says why there is none.
    async fn in_time<T>(&self, part: impl Future<Output = io::Result<T>>) -> Result<T, BodyError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let part = timeout(self.idle_timeout.min(left), part).await;
        part.map_err(|_| BodyError::TimedOut)?.map_err(|_| {
            match self.fault.load(Ordering::Relaxed) {
                TOO_LARGE => BodyError::TooLarge {
                    limit_bytes: self.limit_bytes,
                },
                BROKEN => BodyError::Incomplete,
                _ => BodyError::Undecodable,
            }
        })
    }

    /// Makes room for more, by doubling, after taking it from the budget. One byte beyond the limit
    /// is enough to see that a body is too large.
    fn grow(
        &self,
        bytes: &mut Vec<u8>,
        share: &mut Share,
        declared: usize,
    ) -> Result<(), BodyError> {
        let first = declared.min(BUFFER_DECLARED_MAX_BYTES) + 1;
        let wanted = bytes
            .capacity()
            .saturating_mul(2)
            .max(first)
            .max(BUFFER_MIN_BYTES);
        let more = wanted
            .min(self.limit_bytes + 1)
            .saturating_sub(bytes.capacity())
            .max(1);
        share.add(self.take(more)?);
        bytes.reserve_exact(more);
        Ok(())
    }

    fn take(&self, bytes: usize) -> Result<Share, BodyError> {
        self.budget.take(bytes).ok_or(BodyError::NoRoom)
    }
}

const NO_FAULT: u8 = 0;
const TOO_LARGE: u8 = 1;
const BROKEN: u8 = 2;

/// The body as it comes from the wire, counted. It notes why it ended, because a decoder above may
/// replace the error by one of its own.
struct Wire {
    stream: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    left_bytes: usize,
    fault: Arc<AtomicU8>,
    counted: BodyBytes,
}

impl Stream for Wire {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.stream.as_mut().poll_next(context));
        if let Some(Ok(chunk)) = &next {
            self.counted.received(chunk.len());
        }
        Poll::Ready(match next {
            Some(Ok(chunk)) if chunk.len() > self.left_bytes => {
                self.fault.store(TOO_LARGE, Ordering::Relaxed);
                Some(Err(io::Error::other("too large")))
            }
            Some(Ok(chunk)) => {
                self.left_bytes -= chunk.len();
                Some(Ok(chunk))
            }
            Some(Err(error)) => {
                self.fault.store(BROKEN, Ordering::Relaxed);
                Some(Err(error))
            }
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn reader(other_timeout: Duration) -> BodyReader {
        BodyReader::new(BodyLimits {
            push_max_bytes: 1_000,
            other_max_bytes: 1_000,
            push_memory_max_bytes: 1_000_000,
            other_memory_max_bytes: 1_000_000,
            idle_timeout: PATIENCE,
            other_timeout,
        })
    }

    /// A body of spaces that never ends, one at a time.
    fn drip() -> Body {
        Body::from_bytes_stream(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((io::Result::Ok(Bytes::from_static(b" ")), ()))
        }))
    }

    #[tokio::test]
    async fn a_small_body_that_keeps_dripping_has_an_end() {
        let head = BodyHead::of(&HeaderMap::new());
        let reader = reader(Duration::from_millis(50));
        let read = reader.read_json(&head, drip(), BodyKind::Other);
        let error = timeout(PATIENCE, read).await.unwrap().unwrap_err();
        assert_eq!(error, BodyError::TimedOut);
    }
}
