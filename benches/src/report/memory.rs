//! Memory of the server under many large pushes at a time.

use super::ReportError;
use super::bench::{Bench, load};
use super::part::{Part, Store};
use super::processes::Processes;
use super::sizes::MEMORY_BATCH_SAMPLES;
use crate::load::{Fleet, LoadOptions};

const BYTES_PER_MIB: f64 = 1_048_576.0;

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(store, &[Part::Memory], "memory") {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let server = bench.serve(&home)?;
    let mut fleet = Fleet::prepare(&LoadOptions {
        connections: bench.sizes.memory_connections,
        batch: MEMORY_BATCH_SAMPLES,
        ..load(&server)
    })
    .await?;
    let run = fleet.push_for(bench.sizes.memory).await;
    bench.results.rate(&run);
    let peak = Processes::of(&server, &home)?.server_peak_bytes()?;
    bench
        .results
        .set(Part::Memory, store, peak as f64 / BYTES_PER_MIB);
    server.stop()
}
