//! The measurement of what samples take on disk.

use koodtx_bench::storage::{Layout, Workload, measure};
use koodtx_core::id::UserId;
use koodtx_store_postgres::testing::TestCluster;

const SAMPLES: usize = 20_000;
const USER: UserId = UserId(1);

#[tokio::test]
async fn every_layout_is_measured() {
    let database = TestCluster::shared().database().await;
    let url = database.url();
    let layouts = [
        Layout::sled().unwrap(),
        Layout::postgres(&url).await.unwrap(),
        Layout::rows(&url).await.unwrap(),
    ];
    for layout in layouts {
        let measured = measure(Workload::Part(SAMPLES), &layout, USER)
            .await
            .unwrap();
        assert_eq!(measured.samples, SAMPLES as u64);
        assert!(measured.disk_bytes_per_sample > 1.0, "{measured:?}");
        assert_eq!(
            measured.wal_bytes_per_sample.is_some(),
            layout.name() != "sled"
        );
        assert!(
            measured
                .wal_bytes_per_sample
                .is_none_or(|bytes| bytes > 1.0)
        );
        assert_eq!(measured.to_string().matches('|').count(), 6);
    }
}

#[test]
fn the_real_recordings_are_all_pushed() {
    let samples: u64 = Workload::Real
        .pushes()
        .unwrap()
        .map(|push| push.valid_records())
        .sum();
    // As many as examples/data/README.md counts.
    assert_eq!(samples, 16_913);
}
