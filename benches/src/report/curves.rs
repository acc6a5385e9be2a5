//! How the rate of fresh pushes depends on the batch size and on the connections.

use super::ReportError;
use super::bench::{Bench, load};
use super::part::{Part, Store};
use super::sizes::CONNECTIONS_BATCH_SAMPLES;
use crate::load::{Fleet, LoadOptions};

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(
        store,
        &[Part::BatchSizes, Part::Connections],
        "batch sizes and connections",
    ) {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let server = bench.serve(&home)?;
    if bench.wants(Part::BatchSizes) {
        let mut points = Vec::new();
        for batch in bench.sizes.batches.clone() {
            let options = LoadOptions {
                batch,
                ..load(&server)
            };
            points.push((batch as f64, rate(bench, &options).await?));
        }
        bench.results.curve(Part::BatchSizes, store, points);
    }
    if bench.wants(Part::Connections) {
        let mut points = Vec::new();
        for connections in bench.sizes.connections.clone() {
            let options = LoadOptions {
                connections,
                batch: CONNECTIONS_BATCH_SAMPLES,
                ..load(&server)
            };
            points.push((connections as f64, rate(bench, &options).await?));
        }
        bench.results.curve(Part::Connections, store, points);
    }
    server.stop()
}

async fn rate(bench: &mut Bench, options: &LoadOptions) -> Result<f64, ReportError> {
    let mut fleet = Fleet::prepare(options).await?;
    let run = fleet.push_for(bench.sizes.point).await;
    Ok(bench.results.rate(&run))
}
