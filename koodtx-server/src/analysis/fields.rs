//! One accumulator a field, for a bounded number of fields.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use koodtx_core::block::{Column, Columns, Rows};

use super::limits::{
    FIELD_NAME_MAX_BYTES, OMITTED_FIELDS_MAX_COUNT, SENSOR_FIELDS_MAX_COUNT,
    SESSION_FIELDS_MAX_COUNT,
};

/// Accumulators by the name of their field.
#[derive(Debug)]
pub(super) struct Fields<T> {
    limit: usize,
    kept: BTreeMap<Box<str>, T>,
    /// Hashes of the names that were left out.
    omitted: HashSet<u64>,
}

/// How many fields each of so many sensors may have.
pub(super) fn fields_limit(sensors: usize) -> usize {
    (SESSION_FIELDS_MAX_COUNT / sensors.max(1)).min(SENSOR_FIELDS_MAX_COUNT)
}

impl<T: Default> Fields<T> {
    /// At most `limit` fields.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: BTreeMap::new(),
            omitted: HashSet::new(),
        }
    }

    /// Hands each field's accumulator its values of a block.
    pub(super) fn add(&mut self, columns: &Columns, mut add: impl FnMut(&mut T, &[f64])) {
        self.admit(columns.numbers());
        for column in columns.numbers() {
            if let Some(field) = self.kept.get_mut(column.name()) {
                add(field, column.values());
            }
        }
    }

    /// Makes room for fields that were not seen before.
    fn admit(&mut self, numbers: &[Column<Vec<f64>>]) {
        let unknown = |column: &&Column<_>| !self.kept.contains_key(column.name());
        let mut new: Vec<_> = numbers.iter().filter(unknown).collect();
        // The order of appearance, so that it does not matter where a store cuts its blocks.
        new.sort_by_key(|column| first_row(column.rows()));
        for column in new {
            let name = column.name();
            if self.kept.len() < self.limit && name.len() <= FIELD_NAME_MAX_BYTES {
                self.kept.insert(name.into(), T::default());
            } else if self.omitted.len() < OMITTED_FIELDS_MAX_COUNT {
                let hasher = BuildHasherDefault::<DefaultHasher>::default();
                self.omitted.insert(hasher.hash_one(name));
            }
        }
    }

    /// Distinct fields that were left out, as far as they are counted.
    pub(super) fn omitted(&self) -> u64 {
        self.omitted.len() as u64
    }

    /// The accumulators, ordered by name.
    pub(super) fn into_kept(self) -> BTreeMap<Box<str>, T> {
        self.kept
    }
}

fn first_row(rows: &Rows) -> u32 {
    match rows {
        Rows::All => 0,
        Rows::Some(rows) => rows.first().copied().unwrap_or(u32::MAX),
    }
}
