//! Blocks to encode, always the same.

use std::sync::Arc;

use super::super::super::{Block, Column, Columns, Rows, Texts};

pub fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Texts {
    let mut texts = Texts::default();
    values
        .into_iter()
        .for_each(|value| texts.push(value.as_ref()));
    texts
}

pub fn column<V>(name: &str, rows: Rows, values: V) -> Column<V> {
    Column {
        name: Arc::from(name),
        rows,
        values,
    }
}

/// Every feature of the format, with numbers that need no library to reproduce.
pub fn golden_block() -> Block {
    const COUNT: u32 = 200;
    let all = 0..COUNT;
    let odd_rows = || (0..COUNT).filter(|row| row % 2 == 1);
    let jitter = |index: u32| i64::from(index * index * 7 % 101);
    let bearing = |index: u32| f64::from(index * index * 131 % 3_600);
    let times: Vec<i64> = all
        .clone()
        .map(|index| 1_699_876_543_210_000 + i64::from(index) * 10_000 + jitter(index))
        .collect();
    // Mostly small, with peaks: what `pco` packs better than fixed widths do.
    let peaks = |peak: f64| {
        odd_rows().map(move |row| {
            if row % 5 == 0 {
                bearing(row) * peak
            } else {
                bearing(row) % 9.0
            }
        })
    };
    let even: Vec<u32> = all
        .clone()
        .filter(|row| row % 2 == 0 && *row != 100)
        .collect();
    let odd: Vec<u32> = odd_rows().collect();
    let numbers = vec![
        column("", Rows::Some(vec![0, 199]), vec![-0.0, f64::MAX]),
        column(
            "count",
            Rows::Some(odd.clone()),
            odd.iter().map(|&row| f64::from(row)).collect(),
        ),
        column(
            "heading",
            Rows::Some(even.clone()),
            even.iter()
                .map(|&row| if row == 6 { -0.0 } else { bearing(row) / 10.0 })
                .collect(),
        ),
        column("peaks", Rows::Some(odd.clone()), peaks(300.0).collect()),
        column("peaks wide", Rows::Some(odd.clone()), peaks(3e10).collect()),
        column(
            "raw",
            Rows::Some(odd.clone()),
            odd.iter().map(|&row| bearing(row).sqrt()).collect(),
        ),
        column(
            "single",
            Rows::Some(even.clone()),
            even.iter()
                .map(|&row| f64::from(bearing(row).sqrt() as f32))
                .collect(),
        ),
    ];
    let flags = even
        .iter()
        .map(|row| if row % 3 == 0 { "true" } else { "null" });
    let texts = vec![
        column("count", Rows::Some(even.clone()), texts(flags)),
        column(
            "µ",
            Rows::Some(vec![7, 8]),
            texts([r#""😀""#, r#"{"a":[1]}"#]),
        ),
    ];
    let whole = Some(column(
        "",
        Rows::Some(vec![100]),
        self::texts([r#"{"many":1}"#]),
    ));
    Block {
        columns: Columns {
            times: times.clone(),
            numbers,
            texts,
            whole,
        },
        changed: all
            .map(|index| 1_763_035_200_000_000 + i64::from(index / 60))
            .collect(),
        // Whole milliseconds after the first sample.
        stamps: (0..COUNT)
            .map(|index| times[0] + i64::from(index) * 10_000)
            .collect(),
    }
}

/// Five records with a little of everything, small enough to damage in every way.
pub fn small_block() -> Block {
    Block {
        columns: Columns {
            times: vec![1_000, 11_000, 21_003, 31_000, 41_000],
            numbers: vec![column(
                "x",
                Rows::Some(vec![0, 2, 4]),
                vec![0.25, -0.0, 9.81],
            )],
            texts: vec![column("state", Rows::Some(vec![1]), texts(["null"]))],
            whole: Some(column("", Rows::Some(vec![3]), texts(["{}"]))),
        },
        changed: vec![50_000, 50_000, 50_001, 50_000, 50_000],
        stamps: vec![],
    }
}

/// A hundred records, packed by `pco`.
pub fn packed_block() -> Block {
    let axis = |seed: u32| -> Vec<f64> {
        (0..100_u32)
            .map(|index| f64::from((index * 7_919 + seed) * 739 % 60_013) / 1e4)
            .collect()
    };
    Block {
        columns: Columns {
            times: (0..100)
                .map(|index| index * 10_000 + index * index * 37 % 601)
                .collect(),
            numbers: [("x", 1), ("y", 2)]
                .map(|(name, seed)| column(name, Rows::All, axis(seed)))
                .to_vec(),
            texts: vec![],
            whole: None,
        },
        changed: vec![1; 100],
        stamps: vec![],
    }
}
