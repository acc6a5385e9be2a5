//! What comes back from a log, whole, cut short and damaged.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Key, and value or removal.
type Step = (Vec<u8>, Option<Vec<u8>>);

fn frame(steps: &[Step]) -> Frame {
    let mut frame = Frame::new();
    for (key, value) in steps {
        match value {
            Some(value) => frame.put(key, [&value[..value.len() / 2], &value[value.len() / 2..]]),
            None => frame.remove(key),
        }
    }
    frame
}

fn steps(frame: &Frame) -> Vec<Step> {
    frame
        .operations()
        .map(|operation| match operation.unwrap() {
            Operation::Put { key, value } => (key.to_vec(), Some(value.to_vec())),
            Operation::Remove { key } => (key.to_vec(), None),
        })
        .collect()
}

fn append_all(wal: &mut Wal, batches: &[Vec<Step>]) {
    for steps in batches {
        append(wal, steps);
    }
}

fn append(wal: &mut Wal, steps: &[Step]) {
    let mut frame = frame(steps);
    assert_eq!(frame.operations_count(), steps.len() as u64);
    let checksum = frame.checksum();
    wal.append(&mut frame, checksum).unwrap();
}

fn new(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("wal");
    Wal::create(&path).unwrap();
    path
}

fn read(path: &Path) -> Result<Vec<Vec<Step>>> {
    let mut frames = Vec::new();
    Wal::open(path, |frame| {
        frames.push(steps(frame));
        Ok(())
    })?;
    Ok(frames)
}

fn open(path: &Path) -> Wal {
    let mut wal = Wal::open(path, |_| Ok(())).unwrap();
    assert!(!wal.fits(&Frame::new()));
    wal.clear().unwrap();
    wal
}

fn batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = (
        vec(any::<u8>(), 0..20),
        proptest::option::of(vec(any::<u8>(), 0..60)),
    );
    vec(vec(step, 0..5), 0..8)
}

proptest! {
    #[test]
    fn what_was_appended_since_the_last_checkpoint_comes_back(
        generations in vec((batches(), any::<bool>()), 1..5),
    ) {
        let folder = TempDir::new().unwrap();
        let path = new(&folder);
        let mut wal = open(&path);
        for (batches, reopen) in &generations {
            if *reopen {
                drop(wal);
                wal = open(&path);
            } else {
                wal.clear().unwrap();
            }
            prop_assert!(wal.is_empty());
            append_all(&mut wal, batches);
            prop_assert_eq!(&read(&path).unwrap(), batches);
        }
        prop_assert_eq!(fs::metadata(&path).unwrap().len(), WAL_BYTES);
    }

    /// Whatever a crash or a bad disk makes of the bytes, no batch is made up, none is left out before
    /// one that comes back, and none comes back in part.
    #[test]
    fn a_damaged_log_yields_the_beginning_of_what_was_written(
        (before, batches) in (batches(), batches()),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let folder = TempDir::new().unwrap();
        let path = new(&folder);
        let mut wal = open(&path);
        append_all(&mut wal, &before);
        wal.clear().unwrap();
        append_all(&mut wal, &batches);
        let end = wal.end;
        drop(wal);

        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let at = FRAMES_AT + at.index((end - FRAMES_AT).max(1) as usize) as u64;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ flip], at).unwrap();
        let frames = read(&path).unwrap();
        prop_assert!(batches.starts_with(&frames), "{frames:?} of {batches:?}");
        let lost_bytes: u64 = batches[frames.len()..].iter().map(|steps| frame(steps).len()).sum();
        prop_assert!(at < end || lost_bytes == 0);
        prop_assert!(end - lost_bytes <= at || end == FRAMES_AT, "more lost than what was damaged");
    }
}

#[test]
fn what_lies_behind_a_frame_that_was_cut_short_never_comes_back() {
    let folder = TempDir::new().unwrap();
    let path = new(&folder);
    let mut wal = open(&path);
    let batch = |value| vec![(vec![1], Some(vec![value; 100]))];
    for value in 1..=3 {
        append(&mut wal, &batch(value));
    }
    drop(wal);
    // The first frame never reached the disk, those behind it did.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; HEADER_BYTES], FRAMES_AT).unwrap();
    assert!(read(&path).unwrap().is_empty());
    let mut wal = open(&path);
    append(&mut wal, &batch(4));
    assert_eq!(read(&path).unwrap(), [batch(4)]);
}

#[test]
fn a_checkpoint_that_was_cut_short_leaves_the_log_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = new(&folder);
    let mut wal = open(&path);
    let batch = vec![(vec![1], Some(vec![2; 100]))];
    append(&mut wal, &batch);
    let next = Generation::after(wal.generation.number);
    drop(wal);

    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let slot = next.number % SLOTS_COUNT * SLOT_BYTES;
    for torn in 0..SLOT_USED_BYTES {
        file.write_all_at(&[0; SLOT_USED_BYTES], slot).unwrap();
        file.write_all_at(&slot_of(next)[..torn], slot).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            std::slice::from_ref(&batch),
            "{torn} bytes"
        );
    }
    file.write_all_at(&slot_of(next), slot).unwrap();
    assert!(read(&path).unwrap().is_empty());
}

#[test]
fn a_log_that_is_missing_or_says_nothing_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("wal");
    let refused = |problem: &str| {
        let failure = read(&path).unwrap_err().to_string();
        assert!(
            failure.contains(problem) && failure.contains(path.to_str().unwrap()),
            "{failure}"
        );
    };
    refused("is missing");
    fs::write(&path, []).unwrap();
    refused("is damaged");
    fs::write(&path, vec![7; WAL_BYTES as usize]).unwrap();
    refused("is damaged");

    // One that lacks its end, and one that lacks the slot of the generation in use.
    let mut wal = open(&new(&folder));
    append(&mut wal, &[]);
    let slot = wal.generation.number % SLOTS_COUNT * SLOT_BYTES;
    assert_eq!(read(&path).unwrap().len(), 1);
    wal.file.set_len(WAL_BYTES - 1).unwrap();
    refused("is damaged");
    wal.file.set_len(WAL_BYTES).unwrap();
    assert_eq!(read(&path).unwrap().len(), 1);
    wal.file.write_all_at(&[0; SLOT_USED_BYTES], slot).unwrap();
    refused("is damaged");
}

/// Who chooses what is stored cannot choose what is applied: a frame of another salt is none.
#[test]
fn a_frame_of_the_right_number_and_a_wrong_salt_does_not_count() {
    let folder = TempDir::new().unwrap();
    let path = new(&folder);
    let mut wal = open(&path);
    let forged = Generation {
        salt: !wal.generation.salt,
        ..wal.generation
    };
    append(&mut wal, &[]);
    let mut frame = frame(&[(vec![1], None)]);
    let checksum = frame.checksum();
    wal.file.write_all(frame.sealed(forged, checksum)).unwrap();
    assert_eq!(read(&path).unwrap(), [vec![]]);
}

#[test]
fn only_what_fits_is_appended() {
    let folder = TempDir::new().unwrap();
    let mut wal = open(&new(&folder));
    let of_length = |bytes: u64| frame(&[(Vec::new(), Some(vec![7; bytes as usize]))]);
    let overhead = of_length(0).len();
    let mut largest = of_length(WAL_BYTES - FRAMES_AT - overhead);
    assert!(Wal::could_hold(&largest) && wal.fits(&largest));
    assert!(!Wal::could_hold(&of_length(
        WAL_BYTES - FRAMES_AT - overhead + 1
    )));
    append(&mut wal, &[]);
    assert!(!wal.fits(&largest));
    wal.clear().unwrap();
    let checksum = largest.checksum();
    wal.append(&mut largest, checksum).unwrap();
    assert!(!wal.fits(&Frame::new()));
    assert_eq!(read(&folder.path().join("wal")).unwrap().len(), 1);
}
