//! One connection: a device that pushes without a pause.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::LoadError;
use super::client::{Api, Counts, Login, PushFailure};
use super::source::Source;

/// A device, signed in, with its connection open and its bodies written.
pub(super) struct Worker {
    api: Api,
    login: Login,
    source: Source,
}

/// What pushing came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
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
    pub(super) async fn prepare(
        api: Api,
        login: Login,
        mut source: Source,
    ) -> Result<Self, LoadError> {
        for body in source.before() {
            api.push(&login, body)
                .await
                .map_err(|failure| LoadError::Refused {
                    action: "store what the run begins with",
                    status: failure.kind.parse().unwrap_or(0),
                    message: failure.message,
                })?;
        }
        Ok(Self { api, login, source })
    }

    /// Pushes until the deadline.
    pub(super) async fn run(mut self, deadline: Instant) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < deadline {
            let body = self.source.next();
            let (samples, bytes) = (body.samples_count() as u64, body.text().len() as u64);
            let sent = Instant::now();
            match self.api.push(&self.login, body).await {
                Ok(counts) => {
                    tally.latencies.push(sent.elapsed());
                    tally.samples += samples;
                    tally.body_bytes += bytes;
                    tally.counts.add(counts);
                    tally.unexpected += u64::from(!self.source.expects(counts, samples));
                }
                Err(failure) => {
                    let wait = failure
                        .wait
                        .min(deadline.saturating_duration_since(Instant::now()));
                    tally.fail(failure);
                    tokio::time::sleep(wait).await;
                }
            }
        }
        tally
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

    pub(super) fn add(&mut self, other: Self) {
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
