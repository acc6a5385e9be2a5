//! An hour of three sensors: what it takes on disk, and how fast it is pulled.

use std::time::Instant;

use serde_json::json;

use super::ReportError;
use super::bench::{Bench, load};
use super::home::Home;
use super::part::{Part, Store};
use super::results::{median, median_ratio, thousands};
use super::server::Server;
use super::sizes::HOUR_BATCH_SAMPLES;
use crate::load::{Api, Fleet, Form, LoadOptions, Login, Source};

/// What stands once in the answer for every sample of it.
const SAMPLE_MARK: &str = "\"timestamp\":";
/// By how much two answers with the same samples may differ: times and ids of a few digits more or less.
const LENGTH_TOLERANCE_BYTES: u64 = 64;

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(store, &[Part::Disk, Part::Pull], "an hour, and pulling it") {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let before = used_disk_bytes(bench, &home).await?;
    let server = bench.serve(&home)?;
    let api = Api::connect(server.url())?;
    let options = LoadOptions {
        connections: 1,
        batch: HOUR_BATCH_SAMPLES,
        session_samples: u64::MAX,
        ..load(&server)
    };
    let login = api.sign_in(&options).await?;
    let endpoint = api.endpoint(&login, Form::Records);
    let mut fleet = Fleet::at(vec![endpoint], &options, Source::new).await?;
    let run = fleet.push_samples(bench.sizes.hour_samples).await;
    bench.results.rate(&run);
    server.stop()?;
    if bench.wants(Part::Disk) {
        let grown = home.disk_bytes().await?.saturating_sub(before);
        bench
            .results
            .set(Part::Disk, store, grown as f64 / run.tally.samples as f64);
    }
    if bench.wants(Part::Pull) {
        pull(bench, store, &home, &login, run.tally.samples).await?;
    }
    Ok(())
}

/// What a store takes on disk that was used, and has next to nothing.
async fn used_disk_bytes(bench: &mut Bench, home: &Home) -> Result<u64, ReportError> {
    let server = bench.serve(home)?;
    let mut fleet = Fleet::prepare(&LoadOptions {
        connections: 1,
        batch: 1,
        ..load(&server)
    })
    .await?;
    let run = fleet.push_samples(1).await;
    bench.results.rate(&run);
    server.stop()?;
    home.disk_bytes().await
}

/// Pulls the session whole, in turns with fresh pushes of others.
async fn pull(
    bench: &mut Bench,
    store: Store,
    home: &Home,
    login: &Login,
    samples: u64,
) -> Result<(), ReportError> {
    let server = bench.serve(home)?;
    let mut fresh = Fleet::prepare(&load(&server)).await?;
    let warm_up = fresh.push_for(bench.sizes.short_turn).await;
    bench.results.rate(&warm_up);
    home.settle().await?;
    let expected = first_pull(&server, login, samples).await?;
    let api = Api::connect(server.url())?;
    let (mut pulls, mut pushes) = (Vec::new(), Vec::new());
    for _ in 0..bench.sizes.rounds {
        let start = Instant::now();
        let mut answer = api.pull(login, &json!({})).await?;
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.map_err(broken_off)? {
            bytes += chunk.len() as u64;
        }
        pulls.push(samples as f64 / start.elapsed().as_secs_f64());
        if bytes.abs_diff(expected) > LENGTH_TOLERANCE_BYTES {
            return Err(ReportError::Unexpected(format!(
                "a pull came to {bytes} bytes, and the same pull before to {expected}"
            )));
        }
        let run = fresh.push_for(bench.sizes.turn).await;
        pushes.push(bench.results.rate(&run));
    }
    let results = &mut bench.results;
    results.set(Part::Pull, store, median_ratio(&pulls, &pushes));
    results.figure("full pull, samples/s", store, thousands(median(&pulls)));
    server.stop()
}

/// Pulls once, to see that every sample comes; returns the length of the answer.
async fn first_pull(server: &Server, login: &Login, samples: u64) -> Result<u64, ReportError> {
    let answer = Api::connect(server.url())?.pull(login, &json!({})).await?;
    let text = answer.text().await.map_err(broken_off)?;
    let count = text.matches(SAMPLE_MARK).count() as u64;
    if count == samples {
        return Ok(text.len() as u64);
    }
    Err(ReportError::Unexpected(format!(
        "{samples} samples were pushed, and {count} were pulled"
    )))
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn broken_off(error: reqwest::Error) -> ReportError {
    ReportError::Unexpected(format!("a pull broke off: {error}"))
}
