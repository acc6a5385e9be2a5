//! Reading a request body: decoded, in bounded memory, in bounded time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use poem::Body;
use poem::http::{HeaderMap, header};
use tokio::io::AsyncBufReadExt;
use tokio::time::Instant;

use super::budget::{Budget, BudgetUse, Share};
use super::coding::Coding;
use super::form::Form;
use super::reading::Reading;
use crate::metrics::BodyBytes;

/// Longest time that a push may take to arrive, however steadily it comes.
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

impl BodyKind {
    /// The forms that a body may have.
    fn forms(self) -> &'static [Form] {
        match self {
            Self::Push => &[Form::Records, Form::Columns],
            Self::Other => &[Form::Records],
        }
    }
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
    /// Its Content-Type is not JSON of a form that is known.
    MediaType {
        /// The ones that are.
        accepted: Vec<&'static str>,
    },
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

    /// The form of a body of that kind; `None` where it is none that such a body may have.
    fn form(&self, kind: BodyKind) -> Option<Form> {
        let form = Form::of_content_type(self.media_type.as_deref()?)?;
        kind.forms().contains(&form).then_some(form)
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
    pub(super) bytes: Vec<u8>,
    pub(super) form: Form,
    pub(super) share: Share,
}

impl ReceivedBody {
    /// The decoded bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The form of the samples in it.
    pub(crate) fn form(&self) -> Form {
        self.form
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
        let form = head.form(kind);
        let refused = || BodyError::MediaType {
            accepted: kind.forms().iter().map(|form| form.media_type()).collect(),
        };
        if form.is_none() && !may_be_empty {
            return Err(refused());
        }
        let mut received = self.read(head, coding, body, kind).await?;
        self.counted.decoded(received.bytes.len());
        match form {
            Some(form) => received.form = form,
            None if received.bytes.is_empty() => {}
            None => return Err(refused()),
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
        let mut wire = reading.wire(body, self.counted.clone());
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
            total,
            began: Instant::now(),
            arrival: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::time::timeout;

    use super::super::reading::BODY_MIN_BYTES_A_SECOND;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn reader(idle_timeout: Duration, other_timeout: Duration) -> BodyReader {
        BodyReader::new(BodyLimits {
            push_max_bytes: 1_000_000,
            other_max_bytes: 1_000,
            push_memory_max_bytes: 1_000_000,
            other_memory_max_bytes: 1_000_000,
            idle_timeout,
            other_timeout,
        })
    }

    /// A body of spaces, so many each time.
    fn drip(bytes: usize, every: Duration, times: usize) -> Body {
        let spaces = Bytes::from(vec![b' '; bytes]);
        Body::from_bytes_stream(futures_util::stream::unfold(0, move |time| {
            let spaces = spaces.clone();
            async move {
                tokio::time::sleep(every).await;
                (time < times).then_some((io::Result::Ok(spaces), time + 1))
            }
        }))
    }

    #[tokio::test]
    async fn a_small_body_that_keeps_dripping_has_an_end() {
        let head = BodyHead::of(&HeaderMap::new());
        let reader = reader(PATIENCE, Duration::from_millis(50));
        let body = drip(1, Duration::from_millis(5), usize::MAX);
        let read = reader.read_json(&head, body, BodyKind::Other);
        let error = timeout(PATIENCE, read).await.unwrap().unwrap_err();
        assert_eq!(error, BodyError::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_push_may_be_slow_and_not_drip() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        let head = BodyHead::of(&headers);
        let reader = reader(PATIENCE, PATIENCE);
        let half = PATIENCE / 2;
        let began = Instant::now();
        let dripping = drip(100, half, 1_000);
        let error = reader.read_json(&head, dripping, BodyKind::Push).await;
        assert_eq!(error.unwrap_err(), BodyError::TimedOut);
        // Little was earned beside the first wait.
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());

        let bytes = half.as_secs() * BODY_MIN_BYTES_A_SECOND;
        let slow = drip(bytes as usize, half, 100);
        let read = reader.read_json(&head, slow, BodyKind::Push).await;
        assert_eq!(read.unwrap().bytes().len() as u64, 100 * bytes);
    }
}
