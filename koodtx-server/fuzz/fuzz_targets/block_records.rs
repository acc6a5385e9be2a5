//! Records come back from the bytes of their block, every bit of them.
#![no_main]

use koodtx_core::block::{
    BLOCK_RECORDS_MAX_COUNT, Block, IncomingSeries, Record, join_blocks, read_meta,
};
use koodtx_core::json::{canonical_text, write_f64, write_string};
use koodtx_core::time::Timestamp;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// Records as the fuzzer makes them up: times as steps, few names of fields, numbers of all kinds.
#[derive(Arbitrary, Debug)]
struct Row {
    step: Step,
    changed: Clock,
    stamp: Clock,
    fields: Vec<(u8, Content)>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Millis(u8),
    Micros(u32),
    Far(u64),
}

#[derive(Arbitrary, Debug)]
enum Clock {
    Same,
    Near(u8),
    Any(i64),
}

#[derive(Arbitrary, Debug)]
enum Content {
    Decimal(i32, u8),
    Special(u8),
    Single(f32),
    Double(f64),
    Big(u128),
    Flag(bool),
    Null,
    Text(String),
    List(Vec<i16>),
}

/// Numbers that no fuzzer guesses: the ends of ranges, and zero with a sign.
const SPECIAL: [&str; 10] = [
    "-0.0",
    "0",
    "5e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "9007199254740992",
    "-9007199254740993",
    "2251799813685247.5",
    "0.30000000000000004",
];

impl Content {
    fn write(&self, out: &mut String) {
        match self {
            Self::Decimal(digits, places) => out.push_str(&format!("{digits}e-{}", places % 12)),
            Self::Special(which) => out.push_str(SPECIAL[usize::from(*which) % SPECIAL.len()]),
            Self::Single(single) if single.is_finite() => write_f64(out, f64::from(*single)),
            Self::Double(double) if double.is_finite() => write_f64(out, *double),
            Self::Big(integer) => out.push_str(&integer.to_string()),
            Self::Flag(flag) => out.push_str(&flag.to_string()),
            Self::Null | Self::Single(_) | Self::Double(_) => out.push_str("null"),
            // The one character that is not stored.
            Self::Text(text) => write_string(out, &text.replace('\0', "0")),
            Self::List(list) => out.push_str(&format!("{list:?}")),
        }
    }
}

impl Clock {
    fn at(&self, same: i64) -> Timestamp {
        Timestamp::from_micros(match self {
            Self::Same => same,
            Self::Near(distance) => same.saturating_add((*distance).into()),
            Self::Any(any) => *any,
        })
    }
}

/// The records, ascending, none twice.
fn records(start: i64, rows: &[Row]) -> Vec<Record> {
    let mut time = start;
    let mut records: Vec<Record> = Vec::new();
    for row in rows {
        let step = match row.step {
            Step::Millis(millis) => u64::from(millis) * 1_000,
            Step::Micros(micros) => micros.into(),
            Step::Far(far) => far,
        };
        let Some(next) = time.checked_add_unsigned(step.max(1)) else {
            break;
        };
        time = next;
        let mut data = String::from("{");
        for (index, (name, content)) in row.fields.iter().enumerate() {
            if index > 0 {
                data.push(',');
            }
            // Names repeat within a record and from record to record; more than 64 do not fit columns.
            data.push_str(&format!("\"f{}\":", name % 80));
            content.write(&mut data);
        }
        data.push('}');
        let changed = row.changed.at(1);
        records.push(Record {
            timestamp: Timestamp::from_micros(time),
            changed,
            stamp: row.stamp.at(changed.as_micros()),
            data,
        });
    }
    records
}

fn are_the_same(left: &[Record], right: &[Record]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        assert_eq!(
            (left.timestamp, left.changed, left.stamp),
            (right.timestamp, right.changed, right.stamp)
        );
        assert_eq!(canonical_text(&left.data), canonical_text(&right.data));
    }
}

fuzz_target!(|input: (i64, Vec<Row>)| {
    let records = records(input.0, &input.1);
    if records.is_empty() {
        return;
    }
    let block = Block::from_records(&records).expect("these records are valid");
    let stored: Vec<Record> = block.records().collect();
    are_the_same(&stored, &records);

    let bytes = block.encode();
    let back = Block::decode(&bytes).expect("what was written is read");
    assert_eq!(read_meta(&bytes).ok(), block.meta());
    assert_eq!(back, block);
    // The texts as well, which tell the signs of zero apart.
    assert!(back.records().eq(stored.iter().cloned()));

    let cut = block.clone().cut();
    assert!(
        cut.iter()
            .all(|part| (1..=BLOCK_RECORDS_MAX_COUNT).contains(&part.len()))
    );
    let parts: Vec<Record> = cut.iter().flat_map(Block::records).collect();
    assert_eq!(parts, stored);
    let joined = cut
        .into_iter()
        .reduce(|left, right| join_blocks(&left, &right));
    assert_eq!(joined.as_ref(), Some(&block));

    // The same through the door of a push.
    let rows = records
        .iter()
        .map(|record| (record.timestamp, Some(record.stamp), &*record.data));
    let incoming = IncomingSeries::from_rows(rows).expect("these records are valid");
    assert_eq!(incoming.columns(), block.columns());
});
