//! How much samples count towards a quota.
//!
//! The weight is that of the samples as a client knows them, not of what a store makes of them: the
//! same however they are cut into blocks, coded or laid out, so that it adds up, and a user is told the
//! same by every store.

use super::columns::{Column, Texts};
use super::{Block, Columns};
use crate::json::scanner::Scanner;

/// Bytes that each sample counts beside its fields: its time and its stamp.
pub const SAMPLE_BYTES: u64 = 16;
/// Bytes that a number counts.
pub const NUMBER_BYTES: u64 = 8;

impl Block {
    /// How much the samples count towards a quota, in bytes: for each [`SAMPLE_BYTES`], and for each of
    /// its fields the bytes of its name and [`NUMBER_BYTES`] for a number, or those of the JSON text of
    /// any other value.
    pub fn data_bytes(&self) -> u64 {
        of_columns(&self.columns)
    }
}

/// What the rows count. Looks at whole columns, not at single rows, except for rows kept as one object.
pub(super) fn of_columns(columns: &Columns) -> u64 {
    let names = |name: &str, count: usize| (name.len() * count) as u64;
    let numbers = columns.numbers.iter().map(|Column { name, values, .. }| {
        names(name, values.len()) + values.len() as u64 * NUMBER_BYTES
    });
    let texts = columns
        .texts
        .iter()
        .map(|Column { name, values, .. }| names(name, values.len()) + values.bytes.len() as u64);
    let whole = columns.whole.iter().map(|column| of_whole(&column.values));
    let fields: u64 = numbers.chain(texts).chain(whole).sum();
    columns.len() as u64 * SAMPLE_BYTES + fields
}

/// Which rows are kept as one object depends on the rows that they came with, so they count as if they
/// stood in columns.
fn of_whole(texts: &Texts) -> u64 {
    let rows = (0..texts.len()).map(|at| of_data(texts.get(at)) - SAMPLE_BYTES);
    rows.sum()
}

/// What a sample counts whose `data` is this object, in the form in which it is stored.
pub(crate) fn of_data(text: &str) -> u64 {
    // Anything else was refused before it was stored.
    SAMPLE_BYTES + fields_of(text).unwrap_or(text.len() as u64)
}

/// What the members of an object count; nothing of it is built.
fn fields_of(text: &str) -> Option<u64> {
    let mut scanner = Scanner::new(text);
    if !scanner.take(b'{') {
        return None;
    }
    let (mut bytes, mut first) = (0, true);
    while let Some(name) = scanner.next_key(&mut first).ok()? {
        bytes += name.decode().ok()?.len() as u64;
        bytes += match scanner.peek() {
            b'-' | b'0'..=b'9' => {
                let number = scanner.number().ok()?;
                if number.is_big_integer() {
                    number.text.len() as u64
                } else {
                    NUMBER_BYTES
                }
            }
            _ => scanner.value().ok()?.0.len() as u64,
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Record;
    use crate::time::Timestamp;

    fn block(data: &[String]) -> Block {
        let time = Timestamp::from_micros;
        let records: Vec<Record> = (1..)
            .zip(data)
            .map(|(at, data)| Record {
                timestamp: time(at),
                changed: time(7),
                stamp: time(at),
                data: data.clone(),
            })
            .collect();
        Block::from_records(&records).unwrap()
    }

    #[test]
    fn a_sample_counts_its_time_and_its_fields() {
        for (data, fields) in [
            ("{}", 0),
            (r#"{"x":1}"#, 1 + 8),
            (r#"{"x":-0.123456789012345}"#, 1 + 8),
            (r#"{"x":1,"y":2,"z":9.8}"#, 3 * (1 + 8)),
            (r#"{"x":9007199254740993}"#, 1 + 16),
            (r#"{"x":"far","on":true,"":null}"#, (1 + 5) + (2 + 4) + 4),
            (
                r#"{"é":[1, 2.50, {"b": 1e0, "a": "\u0041"}]}"#,
                2 + r#"[1,2.5,{"a":"A","b":1}]"#.len(),
            ),
        ] {
            let weight = SAMPLE_BYTES + fields as u64;
            assert_eq!(block(&[data.to_owned()]).data_bytes(), weight, "{data}");
            let stored = block(&[data.to_owned()]).record(0).data;
            assert_eq!(of_data(&stored), weight, "{stored}");
        }
    }

    /// Rows that find no columns of their own any more count what they count alone.
    #[test]
    fn a_sample_counts_the_same_beside_any_others() {
        let wide = |nth: usize| {
            let fields: Vec<String> = (0..10)
                .map(|field| match field % 3 {
                    0 => format!(r#""f{nth}_{field}":{nth}.5"#),
                    1 => format!(r#""f{nth}_{field}":"\"{nth}""#),
                    _ => format!(r#""\\{nth}_{field}":{{"big":[9007199254740993,1e22]}}"#),
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        };
        let data: Vec<String> = (0..50).map(wide).collect();
        let together = block(&data);
        assert!(together.columns().whole().is_some());
        let alone: u64 = data
            .iter()
            .map(|data| block(std::slice::from_ref(data)).data_bytes())
            .sum();
        assert_eq!(together.data_bytes(), alone);
        let parts = together.slice(0..20).data_bytes() + together.slice(20..50).data_bytes();
        assert_eq!(parts, alone);
    }
}
