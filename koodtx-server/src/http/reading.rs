//! One body on its way from the wire into memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::Body;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout};
use tokio_util::io::StreamReader;

use super::body::{BodyError, ReceivedBody};
use super::budget::{Budget, Share};
use super::form::Form;
use crate::metrics::BodyBytes;

/// What a body starts with, in memory, and what it grows by at least.
const BUFFER_MIN_BYTES: usize = 16 * 1024;
/// How much of a declared Content-Length is believed before it has arrived.
const BUFFER_DECLARED_MAX_BYTES: usize = 256 * 1024;
/// And how many times as much as has arrived: a large body is copied once or twice, and takes no more
/// memory than it needs.
const BUFFER_DECLARED_PER_ARRIVED: usize = 4;
/// How much is decoded before other tasks of the thread get their turn.
const DECODE_TURN_BYTES: usize = 1024 * 1024;
/// What a body brings in a second at least, on average and as received, beside the longest wait for a
/// part of it. A client that sends a byte now and then would keep its place for as long as it likes;
/// the worst line that is of any use is faster.
pub(crate) const BODY_MIN_BYTES_A_SECOND: u64 = 500;

/// One body that is being read.
pub(super) struct Reading<'a> {
    pub(super) budget: &'a Budget,
    pub(super) limit_bytes: usize,
    /// Longest wait for the next part.
    pub(super) idle_timeout: Duration,
    /// Longest time for all of it.
    pub(super) total: Duration,
    pub(super) began: Instant,
    pub(super) arrival: Arc<Arrival>,
}

impl Reading<'_> {
    /// The body as it comes, counted.
    pub(super) fn wire(&self, body: Body, counted: BodyBytes) -> StreamReader<Wire, Bytes> {
        StreamReader::new(Wire {
            stream: Box::pin(body.into_bytes_stream().fuse()),
            left_bytes: self.limit_bytes,
            arrival: self.arrival.clone(),
            counted,
        })
    }

    /// Reads to the end, into memory that is taken from the budget as it is needed.
    pub(super) async fn collect(
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
                return Ok(ReceivedBody {
                    bytes,
                    form: Form::Records,
                    share,
                });
            }
            turn_bytes += count;
            if turn_bytes >= DECODE_TURN_BYTES {
                turn_bytes = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for the next part, as long as the limits allow, and says why there is none.
    pub(super) async fn in_time<T>(
        &self,
        part: impl Future<Output = io::Result<T>>,
    ) -> Result<T, BodyError> {
        let received = self.arrival.received_bytes.load(Ordering::Relaxed);
        let earned = Duration::from_secs(received / BODY_MIN_BYTES_A_SECOND);
        let allowed = self.idle_timeout.saturating_add(earned).min(self.total);
        let left = allowed.saturating_sub(self.began.elapsed());
        // What has arrived already is taken, however late it is taken.
        let part = timeout(self.idle_timeout.min(left), part).await;
        part.map_err(|_| BodyError::TimedOut)?.map_err(|_| {
            match self.arrival.fault.load(Ordering::Relaxed) {
                TOO_LARGE => BodyError::TooLarge {
                    limit_bytes: self.limit_bytes,
                },
                BROKEN => BodyError::Incomplete,
                _ => BodyError::Undecodable,
            }
        })
    }

    /// Makes room for more, after taking it from the budget: twice as much, or what is declared as soon
    /// as [`1 / BUFFER_DECLARED_PER_ARRIVED`](BUFFER_DECLARED_PER_ARRIVED) of it has arrived. One byte
    /// beyond the limit is enough to see that a body is too large.
    fn grow(
        &self,
        bytes: &mut Vec<u8>,
        share: &mut Share,
        declared: usize,
    ) -> Result<(), BodyError> {
        let believed =
            BUFFER_DECLARED_MAX_BYTES.max(bytes.len().saturating_mul(BUFFER_DECLARED_PER_ARRIVED));
        let wanted = if bytes.len() <= declared && declared <= believed {
            // One more shows that it ends there.
            declared + 1
        } else {
            // A quarter of what is declared, after which the rest is believed: little is copied then.
            let quarter = declared.div_ceil(BUFFER_DECLARED_PER_ARRIVED);
            let first = quarter.min(BUFFER_DECLARED_MAX_BYTES) + 1;
            bytes.capacity().saturating_mul(2).max(first)
        };
        let wanted = wanted.max(BUFFER_MIN_BYTES);
        let more = wanted
            .min(self.limit_bytes + 1)
            .saturating_sub(bytes.capacity())
            .max(1);
        share.add(self.take(more)?);
        bytes.reserve_exact(more);
        Ok(())
    }

    pub(super) fn take(&self, bytes: usize) -> Result<Share, BodyError> {
        self.budget.take(bytes).ok_or(BodyError::NoRoom)
    }
}

/// What is known of a body as it comes from the wire.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// Why it ended early: 0 where it did not, or one of those below.
    fault: AtomicU8,
    received_bytes: AtomicU64,
}

const TOO_LARGE: u8 = 1;
const BROKEN: u8 = 2;

/// The body as it comes from the wire, counted. It notes why it ended, because a decoder above may
/// replace the error by one of its own.
pub(super) struct Wire {
    stream: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    left_bytes: usize,
    arrival: Arc<Arrival>,
    counted: BodyBytes,
}

impl Stream for Wire {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.stream.as_mut().poll_next(context));
        if let Some(Ok(chunk)) = &next {
            self.counted.received(chunk.len());
            let bytes = chunk.len() as u64;
            self.arrival
                .received_bytes
                .fetch_add(bytes, Ordering::Relaxed);
        }
        Poll::Ready(match next {
            Some(Ok(chunk)) if chunk.len() > self.left_bytes => {
                self.arrival.fault.store(TOO_LARGE, Ordering::Relaxed);
                Some(Err(io::Error::other("too large")))
            }
            Some(Ok(chunk)) => {
                self.left_bytes -= chunk.len();
                Some(Ok(chunk))
            }
            Some(Err(error)) => {
                self.arrival.fault.store(BROKEN, Ordering::Relaxed);
                Some(Err(error))
            }
            None => None,
        })
    }
}
