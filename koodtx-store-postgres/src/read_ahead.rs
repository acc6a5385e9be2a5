//! How much of each series a pull reads at once.

use std::collections::VecDeque;

use koodtx_core::block::{BLOCK_RAW_MAX_BYTES, BLOCK_RECORDS_MAX_COUNT, Found};

/// Most blocks of one series that are read in one statement.
const READ_AHEAD_MAX_BLOCKS: usize = 64;
/// Most bytes of all blocks that are read in one statement, decoded, but for one of each series: what a chunk has at
/// most.
const READ_AHEAD_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Where more is taken of a series than its share, so much of the share is read each time.
const SHARE_AGAIN_DIVISOR: usize = 4;
/// What a block has at least, as long as none was read: two thirds of the most, from where on nobody fills it up.
const BLOCK_LIKELY_RECORDS: usize = BLOCK_RECORDS_MAX_COUNT * 2 / 3;

/// Blocks of one series that were read ahead.
pub(crate) struct Queue {
    pub(crate) found: VecDeque<Found>,
    /// Nothing lies behind what is in the queue.
    pub(crate) is_last: bool,
    /// Records that a chunk is likely to take of it.
    share: usize,
    /// What was read so far.
    pub(crate) read_blocks: usize,
    pub(crate) read_records: usize,
}

/// How much of a series is read at once: as many blocks as hold so many records, up to so many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ahead {
    pub(crate) blocks: usize,
    pub(crate) records: usize,
}

impl Queue {
    pub(crate) fn new(share: usize) -> Self {
        Self {
            found: VecDeque::new(),
            is_last: false,
            share,
            read_blocks: 0,
            read_records: 0,
        }
    }

    /// What is left of its share, and a block more, since a chunk mostly begins within one; of a series with few
    /// records just one block. Where the share is used up, a part of it again: sensors may record in turns.
    fn ahead(&self) -> Ahead {
        let one_more = if self.share > BLOCK_RECORDS_MAX_COUNT / 2 {
            BLOCK_RECORDS_MAX_COUNT
        } else {
            0
        };
        let left = self.share.saturating_add(one_more);
        let records = left
            .saturating_sub(self.read_records)
            .max(self.share / SHARE_AGAIN_DIVISOR)
            .clamp(1, READ_AHEAD_MAX_BLOCKS * BLOCK_RECORDS_MAX_COUNT);
        let each = self
            .read_records
            .checked_div(self.read_blocks)
            .unwrap_or(BLOCK_LIKELY_RECORDS)
            .max(1);
        Ahead {
            blocks: records.div_ceil(each).min(READ_AHEAD_MAX_BLOCKS),
            records,
        }
    }
}

/// What is read at once of these series, within [`READ_AHEAD_MAX_BYTES`].
pub(crate) fn ahead_of<'q>(queues: impl ExactSizeIterator<Item = &'q Queue>) -> Vec<Ahead> {
    let most = READ_AHEAD_MAX_BYTES / BLOCK_RAW_MAX_BYTES / queues.len().max(1);
    queues
        .map(|queue| {
            let ahead = queue.ahead();
            Ahead {
                blocks: ahead.blocks.min(most.max(1)),
                ..ahead
            }
        })
        .collect()
}

/// How many of the next `limit` records of all series, which have so many, are likely to be of each.
pub(crate) fn shares(
    limit: usize,
    counts: impl Iterator<Item = u64> + Clone,
) -> impl Iterator<Item = usize> {
    let total = u128::from(counts.clone().sum::<u64>().max(1));
    counts.map(move |count| {
        let share = (limit as u128 * u128::from(count)).div_ceil(total);
        usize::try_from(share).unwrap_or(limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_ahead(limit: usize, counts: &[u64]) -> Vec<(usize, usize)> {
        shares(limit, counts.iter().copied())
            .map(|share| Queue::new(share).ahead())
            .map(|ahead| (ahead.blocks, ahead.records))
            .collect()
    }

    #[test]
    fn as_much_is_read_of_each_series_as_a_chunk_takes_of_it() {
        let counts = [360_000, 360_000, 360_000, 3_600, 0];
        let motion = (11, 2_722 + BLOCK_RECORDS_MAX_COUNT);
        let position = (1, 28);
        assert_eq!(
            first_ahead(8_192, &counts),
            [motion, motion, motion, position, (1, 1)]
        );
        assert_eq!(first_ahead(1, &[9]), [(1, 1)]);
        assert_eq!(first_ahead(8_192, &[0]), [(1, 1)]);
        let [(most, _), (one, _)] = first_ahead(usize::MAX, &[u64::MAX / 2, 1])[..] else {
            panic!("two series");
        };
        assert_eq!((most, one), (READ_AHEAD_MAX_BLOCKS, 1));
        assert!(first_ahead(8_192, &[]).is_empty());
    }

    #[test]
    fn what_follows_is_what_is_left_of_the_share_and_then_a_part_of_it() {
        let mut queue = Queue::new(2_000);
        (queue.read_blocks, queue.read_records) = (20, 2_000);
        let records = 500;
        assert_eq!(queue.ahead(), Ahead { blocks: 5, records });
        (queue.read_blocks, queue.read_records) = (10, 2_200);
        assert_eq!(queue.ahead(), Ahead { blocks: 3, records });
        queue.read_records = 1_000;
        let records = 1_000 + BLOCK_RECORDS_MAX_COUNT;
        let blocks = records.div_ceil(100);
        assert_eq!(queue.ahead(), Ahead { blocks, records });
    }

    #[test]
    fn many_series_of_large_records_are_read_a_block_at_a_time() {
        let queues: Vec<Queue> = (0..255)
            .map(|_| Queue {
                read_blocks: 1,
                read_records: 1,
                ..Queue::new(65)
            })
            .collect();
        assert!(
            ahead_of(queues.iter())
                .iter()
                .all(|ahead| ahead.blocks == 1)
        );
        let blocks = ahead_of(queues[..2].iter())[0].blocks;
        assert!(blocks > 1 && blocks * 2 * BLOCK_RAW_MAX_BYTES <= READ_AHEAD_MAX_BYTES);
    }
}
