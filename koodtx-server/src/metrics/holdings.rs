//! What the store and the queue hold: looked up now and then, never for a scrape.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use koodtx_core::store::{Store, Usage};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::{MissedTickBehavior, interval};

use crate::queue::{JobQueue, QueueStats};

/// Adding up a store may read much of it.
const STORE_EVERY: Duration = Duration::from_mins(1);
/// A queue answers at once, though a Redis may be far away.
const QUEUE_EVERY: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// What the store held when it was last looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreHoldings {
    users: Gauge,
    sessions: Gauge,
    samples: Gauge,
    disk_bytes: Gauge,
    refreshed_at: Gauge,
}

/// What the queue of jobs held when it was last looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueHoldings {
    jobs: Family<StateLabels, Gauge>,
    depth: Gauge,
}

impl StoreHoldings {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut with = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(name, help, gauge.clone());
        };
        with("store_users", "Accounts", &self.users);
        with("store_sessions", "Live sessions", &self.sessions);
        with("store_samples", "Stored samples", &self.samples);
        with(
            "store_disk_bytes",
            "Bytes on disk; 0 for a store that keeps nothing there",
            &self.disk_bytes,
        );
        with(
            "store_refreshed_timestamp_seconds",
            "When the store was last added up, in seconds since 1970; 0 before the first time",
            &self.refreshed_at,
        );
    }

    /// Looks at the store now and then, for ever.
    pub(super) async fn follow(&self, store: &dyn Store) {
        let look = || async {
            match store.usage().await {
                Ok(usage) => self.set(&usage),
                Err(error) => tracing::warn!(%error, "the store could not be added up for metrics"),
            }
        };
        every(STORE_EVERY, look).await;
    }

    fn set(&self, usage: &Usage) {
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(value.try_into().unwrap_or(i64::MAX));
        };
        set(&self.users, usage.users);
        set(&self.sessions, usage.sessions);
        set(&self.samples, usage.records);
        set(&self.disk_bytes, usage.disk_bytes);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        set(&self.refreshed_at, now.unwrap_or_default().as_secs());
    }
}

impl QueueHoldings {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "jobs_queue_depth",
            "Entries of the queue that no worker has taken yet",
            self.depth.clone(),
        );
        registry.register(
            "jobs",
            "Background jobs that the queue knows of, by state",
            self.jobs.clone(),
        );
    }

    /// Looks at the queue now and then, for ever.
    pub(super) async fn follow(&self, queue: &JobQueue) {
        let look = || async {
            match queue.stats().await {
                Ok(stats) => self.set(stats),
                Err(error) => {
                    tracing::warn!(%error, "the queue could not be looked at for metrics");
                }
            }
        };
        every(QUEUE_EVERY, look).await;
    }

    fn set(&self, stats: QueueStats) {
        let by_state = [
            ("queued", stats.queued),
            ("running", stats.running),
            ("succeeded", stats.succeeded),
            ("failed", stats.failed),
        ];
        let number = |count: usize| count.try_into().unwrap_or(i64::MAX);
        for (state, count) in by_state {
            let gauge = self.jobs.get_or_create(&StateLabels { state });
            gauge.set(number(count));
        }
        self.depth.set(number(stats.depth));
    }
}

/// Does something now, and then again and again.
async fn every<F: Future<Output = ()>>(period: Duration, work: impl Fn() -> F) {
    let mut ticks = interval(period);
    // What takes longer than the period is not to follow itself at once.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        work().await;
    }
}
