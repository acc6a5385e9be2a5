//! The server's memory in the course of time.

use std::time::{Duration, Instant};

use crate::support::MEBIBYTE_BYTES;
use crate::support::process_memory::ProcessMemory;

/// Samples of one leg.
const SAMPLES_COUNT: u32 = 300;
/// More than a server needs for all that a soak does at a time: the store's cache, which aims at 32 MiB and
/// goes beyond, a hash of a password for each core, bodies and answers in flight, and what the allocator keeps.
const RESIDENT_MAX_BYTES: u64 = 640 * MEBIBYTE_BYTES;
/// What the mean of one third may be above that of the third before: some noise, and so much a request.
/// A leak of a few KB with each request is more.
const NOISE_BYTES: u64 = 16 * MEBIBYTE_BYTES;
const GROWTH_OF_REQUEST_MAX_BYTES: u64 = 512;

/// Resident memory at regular times, in bytes.
pub struct Resident(Vec<u64>);

impl Resident {
    /// Looks again and again for that long.
    pub async fn watch(memory: ProcessMemory, lasting: Duration) -> Self {
        let end = Instant::now() + lasting;
        let mut samples = vec![memory.resident_bytes()];
        while Instant::now() < end {
            tokio::time::sleep(lasting / SAMPLES_COUNT).await;
            samples.push(memory.resident_bytes());
        }
        Self(samples)
    }

    /// The mean of each third of the time.
    pub fn thirds(&self) -> [u64; 3] {
        let length = self.0.len().div_ceil(3);
        let mut thirds = [0; 3];
        for (third, samples) in thirds.iter_mut().zip(self.0.chunks(length)) {
            *third = samples.iter().sum::<u64>() / samples.len() as u64;
        }
        thirds
    }

    /// The most there was.
    pub fn peak(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// Fails where there was more than the server needs.
    pub fn assert_bounded(&self) {
        let peak = self.peak();
        assert!(peak <= RESIDENT_MAX_BYTES, "{peak} bytes are resident");
    }

    /// Fails where memory grew with the requests.
    pub fn assert_flat(&self, requests_count: u64) {
        let [_, second, last] = self.thirds();
        let growth = last.saturating_sub(second);
        let may_be = NOISE_BYTES + requests_count / 3 * GROWTH_OF_REQUEST_MAX_BYTES;
        assert!(
            growth <= may_be,
            "memory grows: from {second} to {last} bytes within {requests_count} requests"
        );
    }
}
