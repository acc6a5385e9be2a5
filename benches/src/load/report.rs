//! What a run came to, as one line of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::worker::Tally;
use super::{Form, LoadOptions, Mode, Snapshot};

const BYTES_PER_MB: f64 = 1e6;
const BYTES_PER_MIB: f64 = 1_048_576.0;
const MILLION: f64 = 1e6;

/// What a run came to. Members that were not asked for, or cannot be known, are absent.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The server.
    pub url: String,
    /// What the pushes found stored.
    pub mode: &'static str,
    /// The form of the bodies.
    pub form: &'static str,
    /// Connections.
    pub connections: usize,
    /// Accounts they belonged to.
    pub users: usize,
    /// Samples of a push.
    pub batch: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Pushes answered with success.
    pub pushes: u64,
    /// Pushes that failed.
    pub errors: u64,
    /// Those by kind: an HTTP status, or what happened to the connection.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_kind: BTreeMap<String, u64>,
    /// What the server said of the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
    /// Samples that the server acknowledged.
    pub samples: u64,
    /// Of these: new ones.
    pub inserted: u64,
    /// Of these: ones that replaced a value.
    pub updated: u64,
    /// Of these: ones that changed nothing.
    pub duplicates: u64,
    /// Samples that the server refused.
    pub refused: u64,
    /// Pushes that the server counted otherwise than the mode means. Not 0 means that the server
    /// does something else than what the run is about.
    pub unexpected_counts: u64,
    /// Acknowledged samples a second.
    pub samples_per_second: f64,
    /// Megabytes (10^6 bytes) of JSON a second.
    pub megabytes_per_second: f64,
    /// Half of the pushes were answered within this time, in milliseconds.
    pub p50_ms: f64,
    /// 95 of 100 pushes were answered within this time, in milliseconds.
    pub p95_ms: f64,
    /// 99 of 100 pushes were answered within this time, in milliseconds.
    pub p99_ms: f64,
    /// The slowest answer, in milliseconds.
    pub max_ms: f64,
    /// Processor time of the load generator itself, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cpu_seconds: Option<f64>,
    /// Processor time of the server for a million samples, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_seconds_per_million: Option<f64>,
    /// Resident memory of the server at the end, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rss_mib: Option<f64>,
    /// The most resident memory since the server began, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rss_peak_mib: Option<f64>,
    /// Bytes that the server wrote to disk for each byte of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_written_bytes_per_body_byte: Option<f64>,
    /// Growth of the data folder for each new sample, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes_per_sample: Option<f64>,
}

/// The frame of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub elapsed: Duration,
    pub before: Snapshot,
    pub after: Snapshot,
}

impl Report {
    pub(super) fn new(options: &LoadOptions, mut tally: Tally, measured: &Measured) -> Self {
        tally.latencies.sort_unstable();
        let Measured {
            elapsed,
            before,
            after,
        } = measured;
        let seconds = elapsed.as_secs_f64();
        let server = before.server.zip(after.server);
        let written = server.and_then(|(before, after)| {
            per(
                after.written_bytes?.saturating_sub(before.written_bytes?) as f64,
                tally.body_bytes as f64,
            )
        });
        let grown = before
            .disk_bytes
            .zip(after.disk_bytes)
            .map(|(before, after)| after as f64 - before as f64);
        Self {
            url: options.url.clone(),
            mode: match options.mode {
                Mode::Fresh => "fresh",
                Mode::Retry => "retry",
                Mode::Conflict => "conflict",
            },
            form: match options.form {
                Form::Records => "records",
                Form::Columns => "columns",
            },
            connections: options.connections,
            users: options.users_count(),
            batch: options.batch,
            seconds: rounded(seconds),
            pushes: tally.latencies.len() as u64,
            errors: tally.failures.values().sum(),
            errors_by_kind: tally.failures,
            first_error: tally.first_failure,
            samples: tally.samples,
            inserted: tally.counts.inserted,
            updated: tally.counts.updated,
            duplicates: tally.counts.duplicates,
            refused: tally.counts.errors,
            unexpected_counts: tally.unexpected,
            samples_per_second: (tally.samples as f64 / seconds).round(),
            megabytes_per_second: rounded(tally.body_bytes as f64 / BYTES_PER_MB / seconds),
            p50_ms: percentile_ms(&tally.latencies, 50),
            p95_ms: percentile_ms(&tally.latencies, 95),
            p99_ms: percentile_ms(&tally.latencies, 99),
            max_ms: percentile_ms(&tally.latencies, 100),
            client_cpu_seconds: before
                .own
                .zip(after.own)
                .map(|(before, after)| rounded(after.cpu_seconds - before.cpu_seconds)),
            server_cpu_seconds_per_million: server.and_then(|(before, after)| {
                per(
                    after.cpu_seconds - before.cpu_seconds,
                    tally.samples as f64 / MILLION,
                )
            }),
            server_rss_mib: server
                .map(|(_, after)| rounded(after.resident_bytes as f64 / BYTES_PER_MIB)),
            server_rss_peak_mib: server
                .map(|(_, after)| rounded(after.resident_peak_bytes as f64 / BYTES_PER_MIB)),
            server_written_bytes_per_body_byte: written,
            disk_bytes_per_sample: grown.and_then(|grown| per(grown, tally.counts.inserted as f64)),
        }
    }

    /// The report as one line.
    ///
    /// # Errors
    /// Never: every member has a form in JSON.
    pub fn to_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

fn per(amount: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| rounded(amount / of))
}

/// To three places: more says nothing.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The value that `percent` of the sorted latencies do not pass, by nearest rank; 0 where there is
/// none.
fn percentile_ms(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let latency = rank
        .checked_sub(1)
        .and_then(|at| sorted.get(at))
        .copied()
        .unwrap_or_default();
    rounded(latency.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let latencies: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let of = |percent| percentile_ms(&latencies, percent);
        assert_eq!(
            [of(50), of(95), of(99), of(100)],
            [100.0, 190.0, 198.0, 200.0]
        );
        assert_eq!(percentile_ms(&latencies[..1], 50), 1.0);
        assert_eq!(percentile_ms(&[], 99), 0.0);
    }
}
