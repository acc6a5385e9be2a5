//! A file is refused, or is a backup that can be written again and restored; memory is bounded either way.
#![no_main]

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::StoreErrorKind;
use koodtx_core::transfer::ItemOrder;
use koodtx_fuzz::archive::{
    ArchiveError, ArchiveReader, ArchiveWriter, BackupError, Entry, back_up, check, restore,
};
use koodtx_fuzz::backup::from_lines;
use koodtx_fuzz::memory::within;
use koodtx_fuzz::ready;
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTING: PeakAlloc = PeakAlloc;

/// A frame takes 16 MiB at most, compressed and once more decompressed, and one item of it up to what its
/// block may take while it is decoded.
const READING_MAX_BYTES: usize = 64 << 20;

/// Every entry of the file, which need not be whole.
fn entries(file: &[u8]) -> (Vec<Entry>, Result<(), ArchiveError>) {
    let mut entries = Vec::new();
    let mut read = || {
        let mut reader = ArchiveReader::new(file)?;
        while let Some(entry) = reader.next_entry()? {
            entries.push(entry);
        }
        Ok(())
    };
    let outcome = read();
    (entries, outcome)
}

/// Whether the entries are in the order that they promise.
fn are_in_order(entries: &[Entry]) -> bool {
    let mut users = entries.iter().filter_map(|entry| match entry {
        Entry::User(id) => Some(id),
        Entry::Item(_) => None,
    });
    if !users.by_ref().is_sorted_by(|left, right| left < right) {
        return false;
    }
    let mut open: Option<ItemOrder> = None;
    for entry in entries {
        let accepted = match entry {
            Entry::User(id) => open
                .replace(ItemOrder::new(*id))
                .is_none_or(|order| order.end().is_ok()),
            Entry::Item(item) => open.as_mut().is_some_and(|order| order.check(item).is_ok()),
        };
        if !accepted {
            return false;
        }
    }
    open.is_none_or(|order| order.end().is_ok())
}

fn run(file: &[u8]) {
    let checked = within(READING_MAX_BYTES, || check(file));
    let (entries, outcome) = entries(file);
    assert_eq!(checked.is_ok(), outcome.is_ok() && are_in_order(&entries));
    let Ok((header, totals)) = checked else {
        return;
    };

    let mut writer = ArchiveWriter::new(Vec::new(), &header).expect("memory is written");
    for entry in &entries {
        match entry {
            Entry::User(id) => writer.user(*id),
            Entry::Item(item) => writer.item(item),
        }
        .expect("memory is written");
    }
    let (again, written) = writer.finish().expect("memory is written");
    assert_eq!(written, totals);
    assert_eq!(
        check(&*again).expect("what was written is read"),
        (header.clone(), totals)
    );
    assert_eq!(self::entries(&again).0, entries);

    let store = MemoryStore::new();
    match ready(restore(&store, file, |_| ())) {
        Ok(restored) => assert_eq!(restored, totals),
        // Names that two accounts share are the one thing that only a store notices.
        Err(BackupError::Store(error)) => {
            assert_eq!(error.kind(), StoreErrorKind::AlreadyExists, "{error}");
            return;
        }
        Err(error) => panic!("{error}"),
    }
    ready(back_up(&store, &header, Vec::new(), |_| ()))
        .expect("what was restored can be backed up");
}

fuzz_target!(|bytes: &[u8]| {
    run(bytes);
    run(&from_lines(bytes));
});
