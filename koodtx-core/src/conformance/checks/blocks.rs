//! Series that are longer than a block. How a store cuts them must not show.

use std::collections::BTreeMap;

use crate::block::BLOCK_RECORDS_MAX_COUNT;
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{ANN, RUN, record, samples, session};
use crate::store::PushOutcome;

/// Records of a series that fills several blocks.
const SERIES_RECORDS_COUNT: u64 = BLOCK_RECORDS_MAX_COUNT as u64 * 5 / 2;

/// The oracle: what a series must hold, by milliseconds.
#[derive(Default)]
struct Expected(BTreeMap<u64, String>);

impl Expected {
    /// Pushes values and compares the counts with what they should be.
    async fn push(&mut self, h: &Harness, values: &[(u64, String)]) -> Outcome<PushOutcome> {
        let (mut inserted, mut updated) = (0, 0);
        for (millis, data) in values {
            match self.0.insert(*millis, data.clone()) {
                None => inserted += 1,
                Some(old) if old != *data => updated += 1,
                Some(_) => {}
            }
        }
        let records: Vec<_> = values
            .iter()
            .map(|(millis, data)| record("gps", millis, data))
            .collect();
        let outcome = h.push(ANN, &session(RUN), &records).await?;
        let duplicates = values.len() as u64 - inserted - updated;
        ensure_eq!(
            (
                outcome.inserted,
                outcome.updated,
                outcome.duplicates,
                outcome.data_count
            ),
            (inserted, updated, duplicates, self.0.len() as u64),
            "inserted, updated, duplicates, data_count"
        );
        Ok(outcome)
    }

    /// Compares the values that can be read with what they should be.
    async fn is_stored(&self, h: &Harness) -> Outcome {
        let expected = self
            .0
            .iter()
            .map(|(ms, data)| format!("gps@{} {data}", ms * 1_000));
        let stored = h.values(ANN, RUN).await?;
        for (number, (stored, expected)) in stored.iter().zip(expected).enumerate() {
            ensure_eq!(*stored, expected, "record {number} in order");
        }
        ensure_eq!(stored.len(), self.0.len(), "records that can be read");
        Ok(())
    }
}

fn values(times: impl Iterator<Item = u64>, data: &str) -> Vec<(u64, String)> {
    times
        .map(|millis| (millis, format!(r#"{{"x":{data}}}"#)))
        .collect()
}

/// One push may fill several blocks.
pub(crate) async fn a_large_batch_is_stored_whole(h: &Harness) -> Outcome {
    let mut expected = Expected::default();
    let large: Vec<_> = (0..SERIES_RECORDS_COUNT)
        .map(|t| (t, format!(r#"{{"x":{t},"y":"{t}"}}"#)))
        .collect();
    expected.push(h, &large).await?;
    expected.is_stored(h).await
}

/// Small pushes, one behind the other, make the same series as one large push.
pub(crate) async fn many_small_batches_make_one_series(h: &Harness) -> Outcome {
    const STEP: u64 = 211;
    let mut expected = Expected::default();
    for from in (0..SERIES_RECORDS_COUNT).step_by(STEP as usize) {
        expected.push(h, &values(from..from + STEP, "1")).await?;
    }
    expected.is_stored(h).await
}

/// A batch may come late: before, and into the middle of, what is stored.
pub(crate) async fn a_late_batch_finds_its_place(h: &Harness) -> Outcome {
    let mut expected = Expected::default();
    let stored = SERIES_RECORDS_COUNT;
    expected
        .push(h, &values((stored..3 * stored).step_by(2), "1"))
        .await?;
    expected
        .push(h, &values((stored + 1..stored + 601).step_by(2), "2"))
        .await?;
    expected.push(h, &values(0..300, "3")).await?;
    expected
        .push(h, &values(3 * stored - 100..3 * stored + 100, "4"))
        .await?;
    expected.is_stored(h).await
}

/// A batch may touch every block with a record or two: new, changed and equal ones.
pub(crate) async fn a_sparse_batch_touches_many_blocks(h: &Harness) -> Outcome {
    let mut expected = Expected::default();
    let end = 2 * SERIES_RECORDS_COUNT;
    expected.push(h, &values((0..end).step_by(2), "1")).await?;
    let sparse = (0..end).step_by(101).map(|millis| {
        let data = if millis % 3 == 0 {
            r#"{"x":1}"#
        } else {
            r#"{"x":"sparse"}"#
        };
        (millis, data.to_owned())
    });
    expected.push(h, &sparse.collect::<Vec<_>>()).await?;
    expected.is_stored(h).await
}

/// The same records again change nothing, over any number of blocks.
pub(crate) async fn a_large_retry_changes_nothing(h: &Harness) -> Outcome {
    let mut expected = Expected::default();
    let large = values(0..SERIES_RECORDS_COUNT, "1.5");
    let first = expected.push(h, &large).await?;
    let retry = expected.push(h, &large).await?;
    ensure_eq!(retry.clock, first.clock, "the clock after a large retry");
    expected.is_stored(h).await
}

/// As many records over the same time as are stored, of which one is another: it counts, wherever it stands.
pub(crate) async fn a_large_push_of_other_values_is_no_repeat(h: &Harness) -> Outcome {
    let mut expected = Expected::default();
    let times = || (0..SERIES_RECORDS_COUNT).map(|nth| nth * 2);
    let large = values(times(), "1.5");
    expected.push(h, &large).await?;
    let last = large.len() - 1;
    for at in [0, 1, last / 2, last - 1, last] {
        for data in [r#"{"x":1.25}"#, r#"{"y":1.25}"#] {
            let mut other = large.clone();
            other[at] = (large[at].0, data.to_owned());
            expected.push(h, &other).await?;
        }
        // And as it was before.
        expected.push(h, &large).await?;
    }
    let mut moved = large.clone();
    moved[last / 2].0 += 1;
    expected.push(h, &moved).await?;
    expected.push(h, &large).await?;
    expected.is_stored(h).await
}

/// Of a long series, a pull of changes returns only what changed.
pub(crate) async fn changes_of_a_long_series_are_found(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &samples("gps", 0..SERIES_RECORDS_COUNT))
        .await?;
    let mut clock = h
        .push(ANN, &session(RUN), &samples("acc", 0..10))
        .await?
        .clock;
    for millis in [0, 700, SERIES_RECORDS_COUNT - 1, SERIES_RECORDS_COUNT] {
        let changed = [record("gps", millis, r#"{"x":"changed"}"#)];
        let now = h.push(ANN, &session(RUN), &changed).await?.clock;
        let found = h.records_changed(ANN, RUN, Some(clock)).await?;
        let times: Vec<_> = found.iter().map(|(_, r)| r.timestamp.as_micros()).collect();
        ensure_eq!(
            times,
            [millis as i64 * 1_000],
            "times changed since {clock}"
        );
        clock = now;
    }
    Ok(())
}
