mod arbitrary;
mod digests;
mod samples;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::Rows;
use super::*;
use arbitrary::any_block;
use samples::{golden_block, packed_block, small_block};

/// Bytes of [`golden_block`] as version 1 wrote them, and as version 2 does. They must stay readable for good.
const GOLDEN_V1: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/block_v1.bin"
));
const GOLDEN_V2: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/block_v2.bin"
));

/// A block around `body`, with a checksum that matches.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(body);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn assert_comes_back(block: &Block) {
    let bytes = block.encode();
    assert_eq!(Block::decode(&bytes).as_ref(), Ok(block));
    assert_eq!(read_meta(&bytes).ok(), block.meta());
    let digest = read_summary(&bytes).unwrap().map(|summary| summary.digest);
    assert_eq!(digest, block.digest());
    // Equality of floats passes over the sign of zero.
    let bits = |block: &Block| -> Vec<u64> {
        block
            .columns
            .numbers
            .iter()
            .flat_map(|column| &column.values)
            .map(|value| value.to_bits())
            .collect()
    };
    assert_eq!(bits(&Block::decode(&bytes).unwrap()), bits(block));
}

#[test]
fn samples_come_back() {
    for block in [golden_block(), small_block(), packed_block()] {
        assert_comes_back(&block);
    }
}

#[test]
fn all_versions_stay_readable() {
    for golden in [GOLDEN_V1, GOLDEN_V2] {
        assert!(
            Block::decode(golden) == Ok(golden_block()),
            "the golden block is read differently"
        );
        assert_eq!(read_meta(golden).ok(), golden_block().meta());
    }
    assert_eq!(read_summary(GOLDEN_V1), Ok(None));
    // Digests are kept, so they may not change either.
    let digest = read_summary(GOLDEN_V2)
        .unwrap()
        .map(|summary| summary.digest);
    assert_eq!(digest, golden_block().digest());
}

/// Not a promise to anybody, but whoever changes what is written should know it.
#[test]
fn version_2_is_written_as_it_was() {
    assert!(
        golden_block().encode() == GOLDEN_V2,
        "the golden block is written differently"
    );
}

#[test]
fn every_damaged_byte_is_noticed() {
    for block in [small_block(), packed_block()] {
        let whole = block.encode();
        for at in 0..whole.len() {
            for damage in 1..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[at] ^= damage;
                assert_eq!(Block::decode(&bytes), Err(BlockError::Checksum));
                assert_eq!(read_meta(&bytes), Err(BlockError::Checksum));
            }
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    for block in [small_block(), packed_block()] {
        let whole = block.encode();
        for len in 0..whole.len() {
            assert!(Block::decode(&whole[..len]).is_err());
            assert!(read_meta(&whole[..len]).is_err());
        }
        // The same with a checksum that matches what is left.
        for len in 1..whole.len() - CHECKSUM_BYTES {
            assert!(Block::decode(&framed(&whole[1..len])).is_err());
        }
    }
}

/// With a checksum that matches, a changed byte may be another block, but then a sound one.
#[test]
fn every_changed_byte_makes_an_error_or_a_sound_block() {
    for block in [small_block(), packed_block()] {
        let whole = block.encode();
        let body = &whole[1..whole.len() - CHECKSUM_BYTES];
        for at in 0..body.len() {
            // Each bit by itself and all together: what a field of a few bits can be turned into.
            for damage in (0..8).map(|bit| 1 << bit).chain([body[at], !body[at]]) {
                let mut body = body.to_vec();
                body[at] ^= damage;
                assert_sound(&framed(&body));
            }
        }
    }
}

/// Whatever decodes keeps the promises of a block: it can be written and read again.
fn assert_sound(bytes: &[u8]) {
    if let Ok(block) = Block::decode(bytes) {
        assert!(!block.is_empty());
        assert_eq!(read_meta(bytes).ok(), block.meta());
        assert_comes_back(&block);
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = small_block().encode();
    bytes[0] = VERSION + 1;
    assert_eq!(Block::decode(&bytes), Err(BlockError::Checksum));
    let content = bytes.len() - CHECKSUM_BYTES;
    let checksum = crc32fast::hash(&bytes[..content]).to_le_bytes();
    bytes[content..].copy_from_slice(&checksum);
    assert_eq!(
        Block::decode(&bytes),
        Err(BlockError::NewerVersion(VERSION + 1))
    );
    assert_eq!(
        read_meta(&bytes),
        Err(BlockError::NewerVersion(VERSION + 1))
    );
}

#[test]
fn what_no_block_promises_is_refused() {
    type Breakage = (&'static str, fn(&mut Block));
    let breakages: [Breakage; 10] = [
        ("the times are not ascending", |block| {
            block.columns.times[2] = 11_000;
        }),
        ("a number is not finite", |block| {
            block.columns.numbers[0].values[1] = f64::NAN;
        }),
        ("the rows of a column are not ascending", |block| {
            block.columns.numbers[0].rows = Rows::Some(vec![0, 4, 2]);
        }),
        ("the rows of a column are not ascending", |block| {
            block.columns.numbers[0].rows = Rows::Some(vec![0, 2, 2]);
        }),
        ("a column names a row that does not exist", |block| {
            block.columns.numbers[0].rows = Rows::Some(vec![0, 2, 5]);
        }),
        ("a column has no row", |block| {
            block.columns.numbers[0].rows = Rows::Some(Vec::new());
            block.columns.numbers[0].values = Vec::new();
        }),
        ("the names of columns are not ascending", |block| {
            let again = block.columns.texts[0].clone();
            block.columns.texts.push(again);
        }),
        ("a field of a row stands in two columns", |block| {
            block.columns.texts[0].name = Arc::from("x");
            block.columns.texts[0].rows = Rows::Some(vec![2]);
        }),
        ("a field of a row stands in two columns", |block| {
            block.columns.texts[0].rows = Rows::Some(vec![3]);
        }),
        ("a field of a row stands in two columns", |block| {
            block.columns.numbers[0].rows = Rows::All;
            block.columns.numbers[0].values = vec![0.5; 5];
        }),
    ];
    for (message, breakage) in breakages {
        let mut block = small_block();
        breakage(&mut block);
        assert_eq!(
            Block::decode(&block.encode()),
            Err(BlockError::Invalid(message))
        );
    }
}

#[test]
fn stamps_that_say_nothing_are_not_kept() {
    let mut block = small_block();
    block.stamps = block.changed.clone();
    let bytes = block.encode();
    block.stamps.clear();
    assert_eq!(Block::decode(&bytes), Ok(block));
}

#[test]
fn a_header_that_does_not_fit_is_refused() {
    let refused = |count: u64, span: u64, times: &[u8], changes: &[u8]| {
        let mut body = Vec::new();
        put_varint(&mut body, count);
        body.extend_from_slice(&[0]);
        put_varint(&mut body, span);
        body.extend_from_slice(&[0]);
        // No digest.
        body.push(0);
        body.extend_from_slice(times);
        body.extend_from_slice(changes);
        body.extend_from_slice(&[0, 0, 0, 0]);
        Block::decode(&framed(&body)).err()
    };
    // Two records, ten microseconds apart: one step, packed in five bits.
    let times = [0, 1 << 2 | 1, 0, 5, 20];
    let invalid = |message| Some(BlockError::Invalid(message));
    assert_eq!(refused(2, 10, &times, &[0, 2]), None);
    assert_eq!(
        refused(0, 10, &times, &[0, 2]),
        invalid("the count of records is out of range")
    );
    assert_eq!(
        refused(1 << 32, 10, &times, &[0, 2]),
        invalid("the count of records is out of range")
    );
    assert_eq!(
        refused(2, 11, &times, &[0, 2]),
        invalid("the times are not those of the header")
    );
    assert_eq!(
        refused(2, 1 << 63, &times, &[0, 2]),
        invalid("the last time is out of range")
    );
    assert_eq!(
        refused(2, 10, &times, &[1, 2]),
        invalid("no change is the latest that the header names")
    );
    assert_eq!(
        refused(2, 10, &times, &[0, 0]),
        invalid("a run of changes is empty")
    );
    assert_eq!(
        refused(2, 10, &times, &[0, 3]),
        invalid("a length is larger than what it measures")
    );
    assert_eq!(
        refused(u64::from(u32::MAX), 10, &times, &[0, 2]),
        invalid("it would decode to more memory than a block may take")
    );
}

#[test]
#[should_panic(expected = "an empty block is never stored")]
fn an_empty_block_is_not_written() {
    Block::default().encode();
}

proptest! {
    #[test]
    fn any_block_comes_back(block in any_block()) {
        assert_comes_back(&block);
    }

    #[test]
    fn the_memory_of_any_block_is_reckoned_exactly(block in any_block()) {
        let (bytes, needed) = (block.encode(), decoded_bytes(&block));
        prop_assert!(decode_within(&bytes, needed).is_ok());
        prop_assert!(decode_within(&bytes, needed - 1).is_err());
    }

    #[test]
    fn any_block_with_any_damage_is_an_error_or_sound(
        block in any_block(),
        damages in vec((any::<prop::sample::Index>(), 1_u8..), 1..8),
    ) {
        let mut bytes = block.encode();
        let end = bytes.len() - CHECKSUM_BYTES;
        for (at, damage) in damages {
            bytes[at.index(end)] ^= damage;
        }
        assert_sound(&framed(&bytes[1..end]));
    }

    #[test]
    fn any_bytes_are_an_error_or_sound(body in vec(any::<u8>(), 0..200)) {
        prop_assert!(Block::decode(&body).is_err());
        assert_sound(&framed(&body));
    }
}
