//! The series of a session: what is known of each without reading its blocks.

use koodtx_core::block::{MergeCounts, OpenEnd, SeriesEnd};
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::store::SeriesStats;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::key::{Key, KeyReader, Table};
use crate::record;
use crate::values::{Values, WriteSet};

/// One series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeriesRecord {
    /// Stands for the sensor type in the keys of blocks. Unique within a life of a session.
    pub(crate) number: u32,
    /// Records.
    pub(crate) count: u64,
    /// Time of the first.
    #[serde(with = "koodtx_core::sample_time::exact")]
    pub(crate) first: Timestamp,
    /// Time of the last.
    #[serde(with = "koodtx_core::sample_time::exact")]
    pub(crate) last: Timestamp,
    /// The blocks that are not full yet, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<OpenEnd>,
}

impl SeriesRecord {
    pub(crate) fn read(
        values: &Values,
        user: UserId,
        life: Timestamp,
        sensor_type: &SensorType,
    ) -> Result<Option<Self>> {
        record::get(values, &Key::one_series(user, life, sensor_type))
    }

    pub(crate) fn write(
        &self,
        set: &mut WriteSet<'_>,
        user: UserId,
        life: Timestamp,
        sensor_type: &SensorType,
    ) -> Result<()> {
        // A few numbers.
        record::put_over_uncut(set, &Key::one_series(user, life, sensor_type), self)
    }

    /// Takes in records between `first` and `last`, of which `counts` were inserted.
    pub(crate) fn extend(&mut self, counts: &MergeCounts, (first, last): (Timestamp, Timestamp)) {
        self.count += counts.inserted;
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }

    /// What is remembered of the end.
    pub(crate) fn end(&self) -> SeriesEnd {
        SeriesEnd {
            last: self.last,
            open: self.open,
        }
    }

    pub(crate) fn stats(&self, sensor_type: SensorType) -> SeriesStats {
        SeriesStats {
            sensor_type,
            count: self.count,
            first: self.first,
            last: self.last,
        }
    }
}

/// All series of one life of a session, ordered by sensor type.
pub(crate) fn all(
    values: &Values,
    user: UserId,
    life: Timestamp,
) -> Result<Vec<(SensorType, SeriesRecord)>> {
    values
        .scan_prefix(&Key::life(Table::Series, user, life))
        .map(|entry| {
            let entry = entry?;
            let mut reader = KeyReader::new(entry.key());
            reader.user()?;
            reader.time()?;
            Ok((reader.sensor_type()?, record::load(values, &entry)?))
        })
        .collect()
}
