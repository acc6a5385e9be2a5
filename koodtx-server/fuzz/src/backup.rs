//! Backups written down as lines, so that a fuzzer can change an item without knowing of lengths, checksums
//! and compression.
//!
//! | line | what it stands for |
//! | --- | --- |
//! | `H` and JSON | the header; where it is not the first line, there is one nevertheless |
//! | `U` and a number | a user |
//! | `B` and sensor, first time, records, change, with a space between each | a block |
//! | `a` and number, name, with a space between | an account |
//! | `s` and number, creation, change, deletion or `-`, records, series, with a space between each | a session |
//! | `n` and number, clock, with a space between | an analysis |
//! | `c` and a number | a clock |
//! | `A`, `F`, `S`, `N`, `L` or `C`, and JSON | an item of that kind |
//! | nothing | the items from here on are in another frame |
//! | `E` and JSON | the end, with these totals |
//! | `E` | the end, with the right totals |
//!
//! Any other line is an item of its first byte's kind. Times are microseconds.

use std::str::FromStr;

use koodtx_core::block::{Block, Record};
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::archive::{ArchiveHeader, ArchiveReader};

/// More would only take time: no block may have them.
const BLOCK_RECORDS_MAX_COUNT: u64 = 600;

/// The bytes of the backup that `lines` describe.
pub fn from_lines(lines: &[u8]) -> Vec<u8> {
    let mut file = File {
        bytes: b"KOODTXBK\x01\0".to_vec(),
        frames: 0,
        items: Vec::new(),
    };
    if !lines.starts_with(b"H") {
        let header = ArchiveHeader {
            id: Uuid::nil(),
            created_at: Timestamp::ZERO,
            store: String::new(),
        };
        file.frame(b'H', json!(header).to_string().as_bytes());
    }
    for line in lines.split(|&byte| byte == b'\n') {
        match line.split_first() {
            None => file.flush(),
            Some((b'H', json)) => file.frame(b'H', json),
            Some((b'E', totals)) => file.end(totals),
            Some((b'U', id)) => {
                let id: Option<i64> = str::from_utf8(id).ok().and_then(|id| id.parse().ok());
                match id {
                    Some(id) => file.item(b'U', &id.to_le_bytes()),
                    None => file.item(b'U', b"no id"),
                }
            }
            Some((b'B', description)) => {
                let payload = block(description).unwrap_or_else(|| description.to_vec());
                file.item(b'B', &payload);
            }
            Some((&tag, rest)) => match in_short(tag, rest) {
                Some(json) => file.item(tag.to_ascii_uppercase(), json.to_string().as_bytes()),
                None => file.item(tag, rest),
            },
        }
    }
    file.flush();
    file.bytes
}

struct File {
    bytes: Vec<u8>,
    frames: u32,
    items: Vec<u8>,
}

impl File {
    fn item(&mut self, tag: u8, payload: &[u8]) {
        self.items.push(tag);
        self.items.extend((payload.len() as u32).to_le_bytes());
        self.items.extend(payload);
    }

    fn flush(&mut self) {
        if !self.items.is_empty() {
            let items = std::mem::take(&mut self.items);
            let body = zstd::bulk::compress(&items, 1).expect("memory is compressed into memory");
            self.frame(b'I', &body);
        }
    }

    fn frame(&mut self, kind: u8, body: &[u8]) {
        let from = self.bytes.len();
        self.bytes.push(kind);
        self.bytes.extend((body.len() as u32).to_le_bytes());
        self.bytes.extend(body);
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&self.frames.to_le_bytes());
        checksum.update(&self.bytes[from..]);
        self.bytes.extend(checksum.finalize().to_le_bytes());
        self.frames += 1;
    }

    fn end(&mut self, totals: &[u8]) {
        self.flush();
        if !totals.is_empty() {
            return self.frame(b'E', totals);
        }
        if let Ok(mut reader) = ArchiveReader::new(&*self.bytes) {
            while let Ok(Some(_)) = reader.next_entry() {}
            let totals = serde_json::to_vec(reader.totals()).expect("totals are JSON");
            self.frame(b'E', &totals);
        }
    }
}

/// The item that a line of numbers stands for.
fn in_short(tag: u8, rest: &[u8]) -> Option<Value> {
    fn number<T: FromStr>(word: &str) -> Option<T> {
        word.parse().ok()
    }
    let time = |word: &str| number(word).map(Timestamp::from_micros);
    let session = |word: &str| number(word).map(Uuid::from_u128);
    let words: Vec<&str> = str::from_utf8(rest).ok()?.split(' ').collect();
    Some(match (tag, &*words) {
        (b'a', [id, name]) => json!({
            "user": {
                "id": number::<i64>(id)?, "username": name, "email": name, "device_id": null,
                "is_active": true, "created_at": Timestamp::ZERO, "updated_at": Timestamp::ZERO,
            },
            "password_hash": "",
        }),
        (b's', [id, created, changed, deleted, records, series]) => json!({
            "id": session(id)?,
            "created_at": time(created)?,
            "updated_at": time(changed)?,
            "deleted_at": time(deleted),
            "live": *deleted == "-",
            "fields": {
                "start_time": null, "end_time": null, "is_active": null, "enabled_sensors": null,
                "sample_rate": null, "notes": null,
            },
            "data_count": number::<u64>(records)?,
            "series_count": number::<u64>(series)?,
        }),
        (b'n', [id, clock]) => json!({
            "session": session(id)?, "clock": time(clock)?, "result": "{}",
        }),
        (b'c', [clock]) => json!(time(clock)?),
        _ => return None,
    })
}

/// What stands in the file of a block: the sensor and the encoded records, a microsecond apart.
fn block(description: &[u8]) -> Option<Vec<u8>> {
    let mut words = str::from_utf8(description).ok()?.rsplitn(4, ' ');
    let changed: i64 = words.next()?.parse().ok()?;
    let count: u64 = words.next()?.parse().ok()?;
    let first: i64 = words.next()?.parse().ok()?;
    let sensor = words.next()?;
    let count = count.min(BLOCK_RECORDS_MAX_COUNT) as i64;
    first.checked_add(count)?;
    let records: Vec<Record> = (0..count)
        .map(|row| Record {
            timestamp: Timestamp::from_micros(first + row),
            changed: Timestamp::from_micros(changed),
            stamp: Timestamp::from_micros(changed),
            data: format!(r#"{{"x":{row}}}"#),
        })
        .collect();
    let block = Block::from_records(&records)
        .ok()
        .filter(|block| !block.is_empty())?;
    Some([&[sensor.len() as u8], sensor.as_bytes(), &block.encode()].concat())
}
