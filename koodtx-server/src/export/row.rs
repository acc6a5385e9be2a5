//! A record as a row of a table.

use koodtx_core::block::{Block, Texts};
use koodtx_core::json::write_f64;
use koodtx_core::pull::{FieldWriter, MergedRows, RecordChunk};
use koodtx_core::time::Timestamp;

use super::layout::Layout;

/// One record, dealt out to the columns. Reused from record to record.
#[derive(Debug)]
pub(super) struct Row {
    /// When the sample was taken.
    pub time: Timestamp,
    /// The value of each column of the layout, where the record has it.
    pub numbers: Vec<Option<f64>>,
    /// Everything else that `data` holds, as a JSON object; empty where that is nothing.
    pub rest: String,
}

impl Row {
    /// A row for tables of that layout.
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            time: Timestamp::ZERO,
            numbers: vec![None; layout.names().len()],
            rest: String::new(),
        }
    }
}

/// Visits the records of a chunk in the order `(timestamp, sensor_type)`, each with the place of its
/// series in the chunk.
pub(super) fn for_each_row<E>(
    chunk: &RecordChunk,
    layout: &Layout,
    row: &mut Row,
    mut visit: impl FnMut(usize, &Row) -> Result<(), E>,
) -> Result<(), E> {
    let blocks = chunk.series.iter().map(|(_, block)| block);
    let mut series: Vec<_> = blocks
        .clone()
        .map(|block| SeriesRows::new(block, layout))
        .collect();
    for (index, at) in MergedRows::new(blocks, &vec![0; chunk.series.len()]) {
        series[index].read(at, row);
        visit(index, row)?;
    }
    Ok(())
}

/// Reads the rows of one series, in ascending order.
struct SeriesRows<'a> {
    block: &'a Block,
    /// The numeric fields, each with its column.
    numbers: Vec<(FieldWriter<'a, Vec<f64>>, Option<usize>)>,
    texts: Vec<FieldWriter<'a, Texts>>,
}

impl<'a> SeriesRows<'a> {
    fn new(block: &'a Block, layout: &Layout) -> Self {
        let columns = block.columns();
        Self {
            block,
            numbers: columns
                .numbers()
                .iter()
                .map(|column| (FieldWriter::new(column, 0), layout.column_of(column.name())))
                .collect(),
            texts: columns
                .texts()
                .iter()
                .map(|column| FieldWriter::new(column, 0))
                .collect(),
        }
    }

    #[inline]
    fn read(&mut self, at: usize, row: &mut Row) {
        row.time = self.block.time(at);
        row.numbers.fill(None);
        row.rest.clear();
        let whole = self.block.columns().whole();
        if let Some((column, at)) = whole.and_then(|column| Some((column, column.position(at)?))) {
            row.rest.push_str(column.values().get(at));
            return;
        }
        for (field, column) in &mut self.numbers {
            let Some(value) = field.position(at).map(|at| field.column().values()[at]) else {
                continue;
            };
            if let Some(column) = *column {
                row.numbers[column] = Some(value);
            } else {
                push_key(&mut row.rest, field.key());
                write_f64(&mut row.rest, value);
            }
        }
        for field in &mut self.texts {
            if let Some(at) = field.position(at) {
                push_key(&mut row.rest, field.key());
                row.rest.push_str(field.column().values().get(at));
            }
        }
        if !row.rest.is_empty() {
            row.rest.push('}');
        }
    }
}

/// Begins a member of an object.
fn push_key(object: &mut String, key: &str) {
    object.push(if object.is_empty() { '{' } else { ',' });
    object.push_str(key);
}
