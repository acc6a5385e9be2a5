//! What small pushes into a growing series write to disk.

use super::ReportError;
use super::bench::{Bench, load};
use super::disk::Disk;
use super::part::{Part, Store};
use super::results::thousands;
use super::sizes::SMALL_BATCH_SAMPLES;
use crate::load::{Fleet, LoadOptions};

/// What the row says where no disk tells.
const NOT_ON_ONE_DISK: &str = "the folder for temporary files is not on one disk";

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(store, &[Part::Written], "small pushes") {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let server = bench.serve(&home)?;
    let mut fleet = Fleet::prepare(&LoadOptions {
        batch: SMALL_BATCH_SAMPLES,
        session_samples: u64::MAX,
        ..load(&server)
    })
    .await?;
    // A young cluster makes its write-ahead log longer, and writes each segment twice for that; later they
    // are used again.
    let warm_up = fleet.push_for(bench.sizes.small).await;
    bench.results.rate(&warm_up);
    home.checkpoint().await?;
    let disk = Disk::of(home.folder());
    let before = disk.as_ref().and_then(Disk::synced_bytes);
    let run = fleet.push_for(bench.sizes.small).await;
    home.checkpoint().await?;
    let after = disk.as_ref().and_then(Disk::synced_bytes);

    let results = &mut bench.results;
    let rate = results.rate(&run);
    results.figure("100-sample pushes, samples/s", store, thousands(rate));
    match before.zip(after) {
        Some((before, after)) => {
            let bytes = after.saturating_sub(before);
            results.set(
                Part::Written,
                store,
                bytes as f64 / run.tally.body_bytes as f64,
            );
        }
        None => results.lacks(Part::Written, store, NOT_ON_ONE_DISK),
    }
    server.stop()
}
