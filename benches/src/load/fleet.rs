//! Devices that push at the same time.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client::{Api, Login};
use super::source::Source;
use super::worker::{Tally, Until, Worker};
use super::{Endpoint, LoadError, LoadOptions};

/// Devices with their bodies written, each on a connection of its own. What they push goes on from one
/// call to the next.
pub(crate) struct Fleet {
    workers: Vec<Worker>,
}

/// What pushing for some time came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// Of all devices together.
    pub tally: Tally,
    pub elapsed: Duration,
}

impl Fleet {
    /// Signs in, opens the connections, writes the bodies, and pushes what has to be there before.
    pub(crate) async fn prepare(options: &LoadOptions) -> Result<Self, LoadError> {
        options.check()?;
        let mut logins: Vec<Login> = Vec::new();
        for _ in 0..options.users_count() {
            logins.push(Api::connect(&options.url)?.sign_in(options).await?);
        }
        let mut endpoints = Vec::new();
        for number in 0..options.connections {
            let login = &logins[number % logins.len()];
            endpoints.push(Api::connect(&options.url)?.endpoint(login, options.form));
        }
        Self::at(endpoints, options, Source::new).await
    }

    /// A device for each endpoint; the source of bodies is made of the options and the number of the
    /// device.
    pub(crate) async fn at(
        endpoints: Vec<Endpoint>,
        options: &LoadOptions,
        source: fn(&LoadOptions, u64) -> Source,
    ) -> Result<Self, LoadError> {
        let mut preparing = JoinSet::new();
        for (number, endpoint) in (0..).zip(endpoints) {
            let source = source(options, number);
            preparing.spawn(Worker::prepare(endpoint, source));
        }
        let prepared = preparing.join_all().await.into_iter();
        Ok(Self {
            workers: prepared.collect::<Result<_, _>>()?,
        })
    }

    /// Pushes for some time; what is under way at the end is finished.
    pub(crate) async fn push_for(&mut self, time: Duration) -> Run {
        let deadline = Instant::now() + time;
        self.push(Until::Deadline(deadline)).await
    }

    /// Pushes until each device has sent so many samples.
    pub(crate) async fn push_samples(&mut self, each: u64) -> Run {
        self.push(Until::Samples(each)).await
    }

    async fn push(&mut self, until: Until) -> Run {
        let start = Instant::now();
        let mut running = JoinSet::new();
        for mut worker in self.workers.drain(..) {
            running.spawn(async move {
                let tally = worker.run(until).await;
                (worker, tally)
            });
        }
        let mut run = Run::default();
        for (worker, tally) in running.join_all().await {
            run.tally.add(tally);
            self.workers.push(worker);
        }
        run.elapsed = start.elapsed();
        run
    }
}

impl Run {
    /// Acknowledged samples a second.
    pub(crate) fn samples_per_second(&self) -> f64 {
        self.tally.samples as f64 / self.elapsed.as_secs_f64()
    }
}
