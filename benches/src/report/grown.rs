//! Pushes into a session that has many samples.

use super::ReportError;
use super::bench::{Bench, load};
use super::part::{Part, Store};
use super::results::{median, median_ratio, thousands};
use super::sizes::EMPTY_SESSION_SAMPLES;
use crate::load::{Fleet, LoadOptions};

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(
        store,
        &[Part::Grown, Part::SessionSizes],
        "a session that grows",
    ) {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let server = bench.serve(&home)?;
    let options = LoadOptions {
        connections: 1,
        session_samples: u64::MAX,
        ..load(&server)
    };
    let mut empty = Fleet::prepare(&LoadOptions {
        session_samples: EMPTY_SESSION_SAMPLES,
        ..options.clone()
    })
    .await?;
    // What happens only once is not what is measured.
    let warm_up = empty.push_for(bench.sizes.short_turn).await;
    bench.results.rate(&warm_up);
    let mut growing = Fleet::prepare(&options).await?;
    let mut points = Vec::new();
    let mut stored = 0;
    for until in bench.sizes.grown_samples.clone() {
        let run = growing.push_samples(until - stored).await;
        let rate = bench.results.rate(&run);
        points.push((f64::midpoint(stored as f64, until as f64), rate));
        stored = until;
    }
    if bench.wants(Part::SessionSizes) {
        bench.results.curve(Part::SessionSizes, store, points);
    }
    if bench.wants(Part::Grown) {
        let (mut into_grown, mut into_empty) = (Vec::new(), Vec::new());
        for _ in 0..bench.sizes.rounds {
            for (fleet, rates) in [
                (&mut growing, &mut into_grown),
                (&mut empty, &mut into_empty),
            ] {
                let run = fleet.push_for(bench.sizes.turn).await;
                rates.push(bench.results.rate(&run));
            }
        }
        let results = &mut bench.results;
        results.set(Part::Grown, store, median_ratio(&into_grown, &into_empty));
        let rate = median(&into_grown);
        results.figure(
            "into a grown session, 1 connection, samples/s",
            store,
            thousands(rate),
        );
    }
    server.stop()
}
