//! Which fields of a session have a column of their own.

use std::collections::BTreeSet;

use koodtx_core::pull::RecordChunk;

/// Most fields that have a column; the others stand in `data`.
pub const FIELD_COLUMNS_MAX_COUNT: usize = 256;
/// Longest name of a field that has a column, in bytes. Parquet repeats the names in each row group.
pub const FIELD_COLUMN_NAME_MAX_BYTES: usize = 128;

/// The column of the times.
pub(super) const TIMESTAMP: &str = "timestamp";
/// The column of the sensors.
pub(super) const SENSOR_TYPE: &str = "sensor_type";
/// The column of whatever has no column.
pub(super) const DATA: &str = "data";

/// The names of the numeric fields that have a column, ordered.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    names: Vec<Box<str>>,
}

impl Layout {
    /// The names, in the order of the columns.
    pub(super) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The place of a field among the columns, where it has one.
    pub(super) fn column_of(&self, name: &str) -> Option<usize> {
        self.names
            .binary_search_by(|column| (**column).cmp(name))
            .ok()
    }
}

/// Finds the layout of a session: give it every chunk. However many fields there are, it remembers no
/// more names than a layout has.
#[derive(Debug, Default)]
pub(super) struct LayoutBuilder {
    names: BTreeSet<Box<str>>,
}

impl LayoutBuilder {
    /// Takes in the numeric fields of a chunk.
    pub(super) fn add(&mut self, chunk: &RecordChunk) {
        for (_, block) in &chunk.series {
            for column in block.columns().numbers() {
                self.add_name(column.name());
            }
        }
    }

    fn add_name(&mut self, name: &str) {
        let is_reserved = [TIMESTAMP, SENSOR_TYPE, DATA].contains(&name);
        if is_reserved || name.len() > FIELD_COLUMN_NAME_MAX_BYTES || self.names.contains(name) {
            return;
        }
        self.names.insert(name.into());
        if self.names.len() > FIELD_COLUMNS_MAX_COUNT {
            self.names.pop_last();
        }
    }

    /// The layout: the first fields by name.
    pub(super) fn finish(self) -> Layout {
        Layout {
            names: self.names.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_names_whatever_the_order_they_come_in() {
        let names: Vec<String> = (0..1_000).map(|index| format!("f{index:03}")).collect();
        let mut builder = LayoutBuilder::default();
        for name in names.iter().rev().chain(&names) {
            builder.add_name(name);
        }
        let layout = builder.finish();
        assert!(
            layout
                .names()
                .iter()
                .map(|name| &**name)
                .eq(names[..FIELD_COLUMNS_MAX_COUNT].iter().map(String::as_str))
        );
        assert_eq!(layout.column_of("f255"), Some(255));
        assert_eq!(layout.column_of("f256"), None);
    }

    #[test]
    fn leaves_out_reserved_and_long_names() {
        let longest = "x".repeat(FIELD_COLUMN_NAME_MAX_BYTES);
        let mut builder = LayoutBuilder::default();
        for name in [
            TIMESTAMP,
            SENSOR_TYPE,
            DATA,
            &longest,
            &format!("{longest}x"),
            "",
        ] {
            builder.add_name(name);
        }
        assert_eq!(
            builder.finish().names(),
            [Box::from(""), Box::from(longest)]
        );
    }
}
