//! Digests are those of the records, and of no others.

use proptest::prelude::*;

use super::super::super::{Block, BlockDigest, Rows};
use super::arbitrary::any_block;
use super::samples::texts;

fn of(block: &Block) -> BlockDigest {
    block.columns.digest(0..block.len())
}

/// The same records with one thing changed.
fn changed(block: &Block, at: usize, how: u8) -> Block {
    let mut changed = block.clone();
    let columns = &mut changed.columns;
    let row = at % columns.times.len();
    let number = columns.numbers.first_mut();
    match (how, number) {
        (0, Some(column)) => {
            let at = at % column.values.len();
            column.values[at] = f64::from_bits(column.values[at].to_bits() ^ 1);
        }
        (1, Some(column)) => column.name = format!("{}!", column.name).into(),
        (2, Some(column)) if column.rows == Rows::All => {
            column.rows = Rows::Some((1..columns.times.len() as u32).collect());
            column.values.remove(0);
        }
        (3, _) if !columns.texts.is_empty() => {
            let values = &mut columns.texts[0].values;
            let other: Vec<String> = (0..values.len())
                .map(|at| format!("{}{at}", values.get(at)))
                .collect();
            *values = texts(&other);
        }
        _ => columns.times[row] ^= 1,
    }
    changed
}

proptest! {
    #[test]
    fn a_slice_has_the_digest_of_its_records(block in any_block(), from: usize, to: usize) {
        let (from, to) = (from % block.len(), to % block.len());
        let rows = from.min(to)..from.max(to) + 1;
        let slice = block.slice(rows.clone());
        prop_assert_eq!(block.columns.digest(rows), of(&slice));
        prop_assert_eq!(of(&Block::decode(&slice.encode()).unwrap()), of(&slice));
    }

    #[test]
    fn other_records_have_another_digest(block in any_block(), at: usize, how in 0..5_u8) {
        let changed = changed(&block, at, how);
        prop_assume!(changed.columns.numbers.iter().all(|column| !column.values.is_empty()));
        prop_assert_ne!(of(&changed), of(&block));
    }
}
