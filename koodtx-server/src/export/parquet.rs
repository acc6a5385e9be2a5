//! Parquet: the table in columns.
//!
//! The file is written one row group after another, and each is handed out when it is complete. What
//! stays in memory besides is what the footer says of the row groups: about 760 bytes a column of each.
//! Their number is therefore limited.

use std::collections::HashMap;
use std::sync::Arc;

use koodtx_core::id::SensorType;
use koodtx_core::pull::RecordChunk;
use parquet::basic::{
    Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::ExportError;
use super::encoder::Encoder;
use super::layout::{DATA, Layout, SENSOR_TYPE, TIMESTAMP};
use super::row::{Row, for_each_row};
use super::row_group::RowGroup;

/// Most columns of all row groups together: 50 MB until the footer is written. That is enough for 358
/// million records with 9 fields, and for 690 thousand with as many fields as there are columns.
pub const COLUMN_CHUNKS_MAX_COUNT: usize = 65_536;

/// Writes row groups of bounded size, and the footer.
#[derive(Debug)]
pub(super) struct ParquetEncoder {
    layout: Layout,
    row: Row,
    file: File,
    group: RowGroup,
    /// The sensors met so far, and the places of their names in `names`.
    sensors: HashMap<SensorType, u32>,
    names: Vec<ByteArray>,
}

/// The file, of which the last piece is held.
#[derive(Debug)]
struct File {
    writer: SerializedFileWriter<Vec<u8>>,
    /// How many columns of row groups may still be written.
    chunks_left: usize,
}

impl File {
    fn write(&mut self, group: RowGroup, sensors: &[ByteArray]) -> Result<(), ExportError> {
        let columns = self.writer.schema_descr().num_columns();
        let left = self.chunks_left.checked_sub(columns);
        self.chunks_left = left.ok_or(ExportError::TooLarge)?;
        Ok(group.write(&mut self.writer, sensors)?)
    }

    /// What was written since the last call.
    fn take(&mut self) -> Result<Vec<u8>, ExportError> {
        self.writer.flush().map_err(ParquetError::from)?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }
}

impl ParquetEncoder {
    /// An encoder for tables of that layout.
    pub(super) fn new(layout: Layout) -> Result<Self, ParquetError> {
        let file = File {
            writer: SerializedFileWriter::new(Vec::new(), schema(&layout)?, properties().into())?,
            chunks_left: COLUMN_CHUNKS_MAX_COUNT,
        };
        Ok(Self {
            row: Row::new(&layout),
            file,
            group: RowGroup::new(layout.names().len()),
            layout,
            sensors: HashMap::new(),
            names: Vec::new(),
        })
    }

    /// The place of a sensor.
    fn place(&mut self, sensor_type: &SensorType) -> u32 {
        if let Some(&place) = self.sensors.get(sensor_type) {
            return place;
        }
        let place = self.names.len() as u32;
        self.names.push(sensor_type.as_str().into());
        self.sensors.insert(sensor_type.clone(), place);
        place
    }
}

impl Encoder for ParquetEncoder {
    fn records(&mut self, chunk: &RecordChunk) -> Result<Vec<u8>, ExportError> {
        let series = chunk.series.iter();
        let places: Vec<u32> = series.map(|(sensor, _)| self.place(sensor)).collect();
        let columns = self.layout.names().len();
        let (group, file, names) = (&mut self.group, &mut self.file, &self.names);
        for_each_row(chunk, &self.layout, &mut self.row, |series, row| {
            group.push(places[series], row);
            if group.is_full() {
                // A new one rather than an emptied one: columns differ in what they had to hold.
                file.write(std::mem::replace(group, RowGroup::new(columns)), names)?;
            }
            Ok::<_, ExportError>(())
        })?;
        self.file.take()
    }

    fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        let group = std::mem::replace(&mut self.group, RowGroup::new(0));
        if !group.is_empty() {
            self.file.write(group, &self.names)?;
        }
        self.file.writer.finish()?;
        self.file.take()
    }
}

fn schema(layout: &Layout) -> Result<TypePtr, ParquetError> {
    let column = |name: &str, physical, logical, repetition| -> Result<TypePtr, ParquetError> {
        Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()
            .map(Arc::new)
    };
    let (required, optional) = (Repetition::REQUIRED, Repetition::OPTIONAL);
    let utc_micros = LogicalType::timestamp(true, TimeUnit::MICROS);
    let text = LogicalType::String;
    let mut columns = vec![
        column(TIMESTAMP, Physical::INT64, Some(utc_micros), required)?,
        column(
            SENSOR_TYPE,
            Physical::BYTE_ARRAY,
            Some(text.clone()),
            required,
        )?,
    ];
    for name in layout.names() {
        columns.push(column(name, Physical::DOUBLE, None, optional)?);
    }
    columns.push(column(DATA, Physical::BYTE_ARRAY, Some(text), optional)?);
    let schema = Type::group_type_builder("records").with_fields(columns);
    schema.build().map(Arc::new)
}

fn properties() -> WriterProperties {
    let timestamp = ColumnPath::from(TIMESTAMP);
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // Times are close to each other and seldom the same.
        .set_column_dictionary_enabled(timestamp.clone(), false)
        .set_column_encoding(timestamp, Encoding::DELTA_BINARY_PACKED)
        // What is said of each page would be kept until the footer is written.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build()
}

#[cfg(test)]
mod tests {
    use koodtx_core::block::{Block, Record};
    use koodtx_core::time::Timestamp;

    use super::*;

    #[test]
    fn the_footer_is_bounded() {
        let record = Record {
            timestamp: Timestamp::ZERO,
            changed: Timestamp::ZERO,
            stamp: Timestamp::ZERO,
            data: "{}".to_owned(),
        };
        let block = Block::from_records([&record]).unwrap();
        let chunk = RecordChunk {
            series: vec![(SensorType::new("a").unwrap(), block)],
            ..RecordChunk::default()
        };
        for (chunks_left, fits) in [(3, true), (2, false)] {
            let mut encoder = ParquetEncoder::new(Layout::default()).unwrap();
            encoder.file.chunks_left = chunks_left;
            encoder.records(&chunk).unwrap();
            let end = encoder.end();
            assert_eq!(end.is_ok(), fits);
            assert!(fits || matches!(end, Err(ExportError::TooLarge)));
        }
    }
}
