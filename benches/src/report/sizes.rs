//! How much is pushed, and for how long.

use std::time::Duration;

/// Samples in a push where nothing else is said.
pub(super) const BATCH_SAMPLES: usize = 5_000;
/// Connections where nothing else is said.
pub(super) const CONNECTIONS_COUNT: usize = 2;
/// Samples in one of the small pushes.
pub(super) const SMALL_BATCH_SAMPLES: usize = 100;
/// Samples in a push of the hour, as devices send while they record.
pub(super) const HOUR_BATCH_SAMPLES: usize = 1_000;
/// Samples in a push where the connections vary.
pub(super) const CONNECTIONS_BATCH_SAMPLES: usize = 1_000;
/// Samples in a push where memory is measured.
pub(super) const MEMORY_BATCH_SAMPLES: usize = 10_000;
/// Samples after which a session counts as an empty one no longer.
pub(super) const EMPTY_SESSION_SAMPLES: u64 = 100_000;

/// The sizes of a run.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// Turns of each side of a comparison.
    pub rounds: usize,
    /// How long one turn is.
    pub turn: Duration,
    /// How long the parser parses in a turn, and how long a server is used before it is measured.
    pub short_turn: Duration,
    /// How long small pushes go on.
    pub small: Duration,
    /// How long one point of a plot is measured.
    pub point: Duration,
    /// How long the concurrent pushes go on.
    pub memory: Duration,
    /// Connections that push where memory is measured.
    pub memory_connections: usize,
    /// Samples of the hour.
    pub hour_samples: u64,
    /// Sessions that are few and many.
    pub sessions: [u64; 2],
    /// Delta pulls in a turn.
    pub delta_pulls: usize,
    /// Samples at which the rate into a growing session is read; the last is the grown session.
    pub grown_samples: Vec<u64>,
    /// Of the plots.
    pub batches: Vec<usize>,
    pub connections: Vec<usize>,
    /// Turns of each parser of the columnar form.
    pub columns_turns: usize,
}

impl Sizes {
    /// What the targets are about.
    pub(super) fn full() -> Self {
        Self {
            rounds: 3,
            turn: Duration::from_secs(4),
            short_turn: Duration::from_secs(1),
            small: Duration::from_secs(10),
            point: Duration::from_millis(2_500),
            memory: Duration::from_secs(6),
            memory_connections: 64,
            hour_samples: 3_600 * 301,
            sessions: [100, 1_000_000],
            delta_pulls: 200,
            grown_samples: vec![
                100_000, 300_000, 1_000_000, 2_000_000, 4_000_000, 7_000_000, 10_000_000,
            ],
            batches: vec![10, 100, 1_000, 5_000, 10_000, 50_000],
            connections: vec![1, 2, 4, 8, 16, 32, 64],
            columns_turns: 50,
        }
    }

    /// Enough to see that everything can be measured, and far too little to say anything.
    pub(super) fn quick() -> Self {
        Self {
            rounds: 2,
            turn: Duration::from_millis(100),
            short_turn: Duration::from_millis(50),
            small: Duration::from_millis(100),
            point: Duration::from_millis(100),
            memory: Duration::from_millis(100),
            memory_connections: 4,
            hour_samples: 6_000,
            sessions: [10, 200],
            delta_pulls: 10,
            grown_samples: vec![5_000, 15_000],
            batches: vec![100, 1_000],
            connections: vec![1, 4],
            columns_turns: 2,
        }
    }
}
