//! One connection: a device that pushes without a pause.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::LoadError;
use super::endpoint::{Counts, Endpoint, Push, PushFailure};
use super::source::Source;

/// A device, signed in, with its connection open and its bodies written.
pub(super) struct Worker {
    endpoint: Endpoint,
    source: Source,
    /// What is sent next, once it is there.
    next: Option<Push>,
}

/// When a device stops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// At that time.
    Deadline(Instant),
    /// When it has sent so many samples, whatever became of them.
    Samples(u64),
}

/// What pushing came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How long each answered push took.
    pub latencies: Vec<Duration>,
    /// Of the answered pushes.
    pub samples: u64,
    pub body_bytes: u64,
    pub counts: Counts,
    /// Answered pushes that the server counted otherwise than the mode means.
    pub unexpected: u64,
    /// Pushes that failed, by kind.
    pub failures: BTreeMap<String, u64>,
    /// What the server said of the first failure.
    pub first_failure: Option<String>,
}

impl Worker {
    /// Opens the connection and pushes what has to be there before.
    pub(super) async fn prepare(endpoint: Endpoint, mut source: Source) -> Result<Self, LoadError> {
        for body in source.before() {
            endpoint
                .push(body.into())
                .await
                .map_err(|failure| LoadError::Refused {
                    action: "store what the run begins with",
                    status: failure.kind.parse().unwrap_or(0),
                    message: failure.message,
                })?;
        }
        Ok(Self {
            endpoint,
            source,
            next: None,
        })
    }

    /// Pushes until then.
    pub(super) async fn run(&mut self, until: Until) -> Tally {
        let mut tally = Tally::default();
        let mut sent_samples = 0;
        while until.goes_on(sent_samples) {
            let prepared = self.next.take();
            let push = prepared.unwrap_or_else(|| self.source.next().into());
            let (samples, bytes) = (push.samples, push.text.len() as u64);
            sent_samples += samples;
            let sent = Instant::now();
            let source = &mut self.source;
            // A device has its next body by the time it gets the answer.
            let (answer, next) = tokio::join!(self.endpoint.push(push), async {
                tokio::task::yield_now().await;
                Push::from(source.next())
            });
            self.next = Some(next);
            match answer {
                Ok(counts) => {
                    tally.latencies.push(sent.elapsed());
                    tally.samples += samples;
                    tally.body_bytes += bytes;
                    tally.counts.add(counts);
                    tally.unexpected += u64::from(!self.source.expects(counts, samples));
                }
                Err(failure) => {
                    let wait = until.at_most(failure.wait);
                    tally.fail(failure);
                    tokio::time::sleep(wait).await;
                }
            }
        }
        tally
    }
}

impl Until {
    fn goes_on(self, sent_samples: u64) -> bool {
        match self {
            Self::Deadline(deadline) => Instant::now() < deadline,
            Self::Samples(count) => sent_samples < count,
        }
    }

    /// A wait, or what is left until the end.
    fn at_most(self, wait: Duration) -> Duration {
        match self {
            Self::Deadline(deadline) => {
                wait.min(deadline.saturating_duration_since(Instant::now()))
            }
            Self::Samples(_) => wait,
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.duplicates += other.duplicates;
        self.errors += other.errors;
    }
}

impl Tally {
    fn fail(&mut self, failure: PushFailure) {
        *self.failures.entry(failure.kind).or_default() += 1;
        self.first_failure.get_or_insert(failure.message);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.samples += other.samples;
        self.body_bytes += other.body_bytes;
        self.counts.add(other.counts);
        self.unexpected += other.unexpected;
        for (kind, count) in other.failures {
            *self.failures.entry(kind).or_default() += count;
        }
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}
