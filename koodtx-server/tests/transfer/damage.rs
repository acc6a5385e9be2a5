//! No damaged and no truncated file passes the check, and none changes a store.

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::TransferStore as _;
use koodtx_server::archive::{ArchiveError, FRAME_MAX_BYTES, check};

use crate::support::{backup_of, full_store, header};

#[tokio::test]
async fn a_whole_file_passes() {
    let (file, totals) = backup_of(&full_store().await).await;
    assert_eq!(check(&file[..]).unwrap(), (header(), totals));
    assert_eq!((totals.users, totals.accounts, totals.sign_ins), (3, 2, 2));
    assert_eq!((totals.sessions, totals.records), (5, 2_204));
}

#[tokio::test]
async fn every_changed_bit_is_noticed() {
    let (file, _) = backup_of(&full_store().await).await;
    for at in 0..file.len() {
        for bit in [at % 8, (at + 5) % 8] {
            let mut changed = file.clone();
            changed[at] ^= 1 << bit;
            assert!(check(&changed[..]).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[tokio::test]
async fn every_truncation_is_noticed() {
    let (file, _) = backup_of(&full_store().await).await;
    for len in 0..file.len() {
        let error = check(&file[..len]).unwrap_err();
        assert!(
            matches!(error, ArchiveError::Truncated | ArchiveError::Foreign),
            "{len}: {error}"
        );
    }
}

#[tokio::test]
async fn what_follows_the_end_is_noticed() {
    let (mut file, _) = backup_of(&full_store().await).await;
    file.push(0);
    let error = check(&file[..]).unwrap_err();
    assert!(error.to_string().contains("follows the end"), "{error}");
}

#[tokio::test]
async fn frames_cannot_be_left_out_or_change_places() {
    let (file, _) = backup_of(&full_store().await).await;
    let frames = frames_of(&file);
    assert_eq!(frames.len(), 3, "header, items, end");
    let without_items = [&file[..frames[0].1], &file[frames[2].0..]].concat();
    assert!(check(&without_items[..]).is_err());
    let items = &file[frames[1].0..frames[1].1];
    let twice = [&file[..frames[1].1], items, &file[frames[2].0..]].concat();
    assert!(check(&twice[..]).is_err());
}

/// Where each frame begins and ends.
fn frames_of(file: &[u8]) -> Vec<(usize, usize)> {
    const PREAMBLE_BYTES: usize = 10;
    const AROUND_BODY_BYTES: usize = 1 + 4 + 4;
    let mut frames = Vec::new();
    let mut at = PREAMBLE_BYTES;
    while at < file.len() {
        let len = u32::from_le_bytes(file[at + 1..at + 5].try_into().unwrap()) as usize;
        frames.push((at, at + len + AROUND_BODY_BYTES));
        at += len + AROUND_BODY_BYTES;
    }
    frames
}

#[test]
fn other_files_are_named_as_such() {
    for file in [&b""[..], b"{}", b"PK\x03\x04 and so on, and on"] {
        assert!(matches!(check(file), Err(ArchiveError::Foreign)));
    }
    let error = check(&b"KOODTXBK\x02\x00"[..]).unwrap_err();
    assert!(error.to_string().contains("upgrade KooDTX"), "{error}");
}

/// A frame that says it is 4 GB long, and one that decompresses to more than a frame may have.
#[test]
fn lengths_are_checked_before_they_are_trusted() {
    let long = b"KOODTXBK\x01\x00H\xff\xff\xff\xff";
    assert!(matches!(
        check(&long[..]),
        Err(ArchiveError::Damaged { frame: 0, .. })
    ));

    let bomb = zstd::bulk::compress(&vec![0; FRAME_MAX_BYTES + 1], 3).unwrap();
    let mut file = b"KOODTXBK\x01\x00".to_vec();
    put_frame(&mut file, 0, b'H', &serde_json::to_vec(&header()).unwrap());
    put_frame(&mut file, 1, b'I', &bomb);
    let error = check(&file[..]).unwrap_err();
    assert!(error.to_string().contains("decompressed"), "{error}");
}

fn put_frame(file: &mut Vec<u8>, number: u32, kind: u8, body: &[u8]) {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    let start = file.len();
    file.push(kind);
    file.extend_from_slice(&(body.len() as u32).to_le_bytes());
    file.extend_from_slice(body);
    hasher.update(&file[start..]);
    file.extend_from_slice(&hasher.finalize().to_le_bytes());
}

#[tokio::test]
async fn any_bytes_are_refused_without_a_panic() {
    use proptest::prelude::*;
    let (file, _) = backup_of(&full_store().await).await;
    let frame = frames_of(&file)[1];
    proptest!(|(bytes in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index)| {
        // Behind checksums that match, as an attacker would.
        let mut items = zstd::bulk::decompress(&file[frame.0 + 5..frame.1 - 4], FRAME_MAX_BYTES).unwrap();
        let at = at.index(items.len());
        let to = (at + bytes.len()).min(items.len());
        let changed = items[at..to] != bytes[..to - at];
        items[at..to].copy_from_slice(&bytes[..to - at]);
        let mut forged = file[..frame.0].to_vec();
        put_frame(&mut forged, 1, b'I', &zstd::bulk::compress(&items, 3).unwrap());
        forged.extend_from_slice(&file[frame.1..]);
        // Whatever it says, it ends; unchanged bytes pass.
        let outcome = check(&forged[..]);
        prop_assert!(changed || outcome.is_ok());
    });
}

#[tokio::test]
async fn a_refused_file_changes_nothing() {
    let (file, _) = backup_of(&full_store().await).await;
    let store = MemoryStore::new();
    assert!(check(&file[..file.len() - 1]).is_err());
    assert_eq!(store.unfinished_import().await.unwrap(), None);
    assert!(store.transfer_users(None, 1).await.unwrap().is_empty());
}
