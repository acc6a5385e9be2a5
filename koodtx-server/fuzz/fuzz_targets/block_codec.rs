//! Bytes are refused, or are a block that comes back from its own bytes; memory is bounded either way.
#![no_main]

use koodtx_core::block::{Block, BlockParts, read_meta, read_summary};
use koodtx_fuzz::memory::within;
use koodtx_fuzz::with_checksum;
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTING: PeakAlloc = PeakAlloc;

/// A decoded block takes 16 MiB at most. While it is read, its lists stand there in other widths as well.
const DECODING_MAX_BYTES: usize = 48 << 20;

fn check(bytes: &[u8]) {
    let Ok(block) = within(DECODING_MAX_BYTES, || Block::decode(bytes)) else {
        return;
    };
    assert_eq!(read_meta(bytes).ok(), block.meta());
    assert!(read_summary(bytes).is_ok());
    let again = block.encode();
    let back = Block::decode(&again).expect("its own bytes are read");
    assert_eq!(back, block);
    let summary = read_summary(&again).expect("its own bytes are read");
    assert_eq!(summary.map(|summary| summary.digest), block.digest());
    // Where equality would not tell: the sign of zero.
    assert_eq!(back.encode(), again);
    if block.len() <= 1_000 {
        // Neither reading rows nor cutting may panic, whatever the columns hold.
        assert_eq!(block.records().count(), block.len());
        let cut: usize = block.clone().cut().iter().map(Block::len).sum();
        assert_eq!(cut, block.len());
    }
    let columns = block.columns();
    let parts = BlockParts {
        times: columns.times_micros().to_vec(),
        changed: block.changed_micros().to_vec(),
        stamps: block.stamps_micros().to_vec(),
        numbers: columns.numbers().to_vec(),
        texts: columns.texts().to_vec(),
        whole: columns.whole().cloned(),
    };
    // What the codec hands out keeps the promises of a block.
    let parts = Block::from_parts(parts).expect("a decoded block is a block");
    assert_eq!(parts, block);
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&with_checksum(bytes));
});
