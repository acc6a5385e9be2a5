//! Columnar storage of samples: one column of times, and one a field of `data`.

use std::ops::Range;
use std::sync::Arc;

/// Samples in columns, one row each.
///
/// A field's numbers stand in `numbers`; everything else that a field may hold (strings, booleans,
/// `null`, arrays, objects, integers beyond ±2^53) stands in `texts` as JSON. Where a value stands
/// depends on the value alone, so a field that holds both has a column in either. A row whose
/// `data` has too many fields for columns keeps all of it as one JSON object in `whole`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// When each sample was taken, in microseconds since the epoch. In a
    /// [`Block`](super::Block) strictly ascending.
    pub(crate) times: Vec<i64>,
    /// Numeric fields, ordered by name.
    pub(crate) numbers: Vec<Column<Vec<f64>>>,
    /// Other fields, ordered by name.
    pub(crate) texts: Vec<Column<Texts>>,
    /// Rows that are kept as one JSON object. Has no name.
    pub(crate) whole: Option<Column<Texts>>,
}

/// One field: its values, for the rows that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column<V> {
    pub(crate) name: Arc<str>,
    pub(crate) rows: Rows,
    /// One value for each row that has the field, in the order of rows.
    pub(crate) values: V,
}

/// Which rows have a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Every row.
    All,
    /// These rows, ascending.
    Some(Vec<u32>),
}

/// Many short texts in one allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Where each text ends in `bytes`.
    pub(crate) ends: Vec<u32>,
    pub(crate) bytes: String,
}

impl Texts {
    /// Appends a text.
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Appends a text in quotes.
    pub(crate) fn push_quoted(&mut self, text: &str) {
        self.bytes.reserve(text.len() + 2);
        self.bytes.push('"');
        self.bytes.push_str(text);
        self.bytes.push('"');
        self.ends.push(self.bytes.len() as u32);
    }

    /// Keeps the first `len` texts.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes
            .truncate(self.ends.last().map_or(0, |&end| end as usize));
    }

    /// Text `index`.
    pub fn get(&self, index: usize) -> &str {
        &self.bytes[self.start(index)..self.ends[index] as usize]
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        }
    }
}

/// Values of a column, as far as moving them about goes.
pub(crate) trait Values: Default + Clone {
    fn len(&self) -> usize;
    fn extend_from(&mut self, source: &Self, range: Range<usize>);
    fn truncate(&mut self, len: usize);
}

impl Values for Vec<f64> {
    fn len(&self) -> usize {
        self.len()
    }

    fn extend_from(&mut self, source: &Self, range: Range<usize>) {
        self.extend_from_slice(&source[range]);
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl Values for Texts {
    fn len(&self) -> usize {
        self.len()
    }

    fn extend_from(&mut self, source: &Self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (from, to) = (
            source.start(range.start),
            source.ends[range.end - 1] as usize,
        );
        let base = self.bytes.len();
        self.bytes.push_str(&source.bytes[from..to]);
        self.ends.extend(
            source.ends[range]
                .iter()
                .map(|&end| (end as usize - from + base) as u32),
        );
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl<V> Column<V> {
    /// The field's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which rows have the field.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The values, one for each row that has the field.
    pub fn values(&self) -> &V {
        &self.values
    }

    /// Where the value of `row` stands among the values.
    pub fn position(&self, row: usize) -> Option<usize> {
        match &self.rows {
            Rows::All => Some(row),
            Rows::Some(rows) => rows.binary_search(&(row as u32)).ok(),
        }
    }
}

/// A run of rows of one of several sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub source: usize,
    pub rows: Range<usize>,
}

/// Appends a run, joining it to the one before where they continue each other.
pub(crate) fn push_run(runs: &mut Vec<Run>, source: usize, rows: Range<usize>) {
    if rows.is_empty() {
        return;
    }
    match runs.last_mut() {
        Some(last) if last.source == source && last.rows.end == rows.start => {
            last.rows.end = rows.end;
        }
        _ => runs.push(Run { source, rows }),
    }
}

impl Columns {
    /// Rows.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Columns beside that of the times.
    pub(crate) fn width(&self) -> usize {
        self.numbers.len() + self.texts.len()
    }

    /// When each sample was taken, in microseconds since the epoch.
    pub fn times_micros(&self) -> &[i64] {
        &self.times
    }

    /// Numeric fields, ordered by name.
    pub fn numbers(&self) -> &[Column<Vec<f64>>] {
        &self.numbers
    }

    /// Other fields as JSON texts, ordered by name.
    pub fn texts(&self) -> &[Column<Texts>] {
        &self.texts
    }

    /// Rows kept as one JSON object each.
    pub fn whole(&self) -> Option<&Column<Texts>> {
        self.whole.as_ref()
    }

    /// The rows `range`.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        Self::select(
            &[self],
            &[Run {
                source: 0,
                rows: range,
            }],
        )
    }

    /// The rows that `runs` name, in that order.
    ///
    /// Whole slices are copied, never single values; columns that end up empty are dropped.
    pub(crate) fn select(sources: &[&Self], runs: &[Run]) -> Self {
        let mut times = Vec::with_capacity(runs.iter().map(|run| run.rows.len()).sum());
        for run in runs {
            times.extend_from_slice(&sources[run.source].times[run.rows.clone()]);
        }
        let whole: Vec<_> = sources.iter().map(|source| source.whole.as_ref()).collect();
        Self {
            numbers: select_columns(
                &columns_of(sources, |source| &source.numbers),
                runs,
                times.len(),
            ),
            texts: select_columns(
                &columns_of(sources, |source| &source.texts),
                runs,
                times.len(),
            ),
            whole: select_column(&whole, runs, times.len()),
            times,
        }
    }

    /// The rows in the order of `order`.
    pub(crate) fn reorder(self, order: &[u32]) -> Self {
        let len = self.len();
        Self {
            times: order.iter().map(|&row| self.times[row as usize]).collect(),
            numbers: reorder_columns(self.numbers, order, len),
            texts: reorder_columns(self.texts, order, len),
            whole: self
                .whole
                .and_then(|column| reorder_column(&column, order, len)),
        }
    }
}

fn columns_of<'a, V>(
    sources: &[&'a Columns],
    list: impl Fn(&'a Columns) -> &'a Vec<Column<V>>,
) -> Vec<&'a [Column<V>]> {
    sources
        .iter()
        .map(|source| list(source).as_slice())
        .collect()
}

fn select_columns<V: Values>(sources: &[&[Column<V>]], runs: &[Run], len: usize) -> Vec<Column<V>> {
    let mut names: Vec<&Arc<str>> = sources
        .iter()
        .flat_map(|columns| columns.iter().map(|column| &column.name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let find = |columns: &&'_ [Column<V>], name: &Arc<str>| {
        columns
            .binary_search_by(|column| column.name.cmp(name))
            .ok()
    };
    names
        .into_iter()
        .filter_map(|name| {
            let columns: Vec<_> = sources
                .iter()
                .map(|columns| find(columns, name).map(|index| &columns[index]))
                .collect();
            select_column(&columns, runs, len)
        })
        .collect()
}

/// Calls `visit` with the columns of each name that stands in either of two ordered lists.
pub(crate) fn for_each_name<'a, V>(
    [left, right]: [&'a [Column<V>]; 2],
    mut visit: impl FnMut([Option<&'a Column<V>>; 2]),
) {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.name.cmp(&right.name),
        };
        visit([
            if order.is_le() { left.next() } else { None },
            if order.is_ge() { right.next() } else { None },
        ]);
    }
}

fn select_column<V: Values>(
    columns: &[Option<&Column<V>>],
    runs: &[Run],
    len: usize,
) -> Option<Column<V>> {
    let name = columns.iter().flatten().next()?.name.clone();
    let dense = runs.iter().all(|run| {
        matches!(
            columns[run.source],
            Some(Column {
                rows: Rows::All,
                ..
            })
        )
    });
    let mut values = V::default();
    let mut rows = Vec::new();
    let mut base = 0;
    for run in runs {
        let shift = |row: usize| (row - run.rows.start + base) as u32;
        match columns[run.source] {
            None => {}
            Some(Column {
                rows: Rows::All,
                values: source,
                ..
            }) => {
                values.extend_from(source, run.rows.clone());
                if !dense {
                    rows.extend(run.rows.clone().map(shift));
                }
            }
            Some(Column {
                rows: Rows::Some(present),
                values: source,
                ..
            }) => {
                let from = present.partition_point(|&row| (row as usize) < run.rows.start);
                let to = present.partition_point(|&row| (row as usize) < run.rows.end);
                values.extend_from(source, from..to);
                rows.extend(present[from..to].iter().map(|&row| shift(row as usize)));
            }
        }
        base += run.rows.len();
    }
    if values.len() == 0 {
        return None;
    }
    let rows = if values.len() == len {
        Rows::All
    } else {
        Rows::Some(rows)
    };
    Some(Column { name, rows, values })
}

/// Each column is dropped before the next one is copied, so that there is never more than one twice.
fn reorder_columns<V: Values>(
    columns: Vec<Column<V>>,
    order: &[u32],
    len: usize,
) -> Vec<Column<V>> {
    let mut reordered = Vec::with_capacity(columns.len());
    for column in columns {
        reordered.extend(reorder_column(&column, order, len));
    }
    reordered
}

fn reorder_column<V: Values>(column: &Column<V>, order: &[u32], len: usize) -> Option<Column<V>> {
    const ABSENT: u32 = u32::MAX;
    let position: Option<Vec<u32>> = match &column.rows {
        Rows::All => None,
        Rows::Some(rows) => {
            let mut position = vec![ABSENT; len];
            for (index, &row) in rows.iter().enumerate() {
                position[row as usize] = index as u32;
            }
            Some(position)
        }
    };
    let mut values = V::default();
    let mut rows = Vec::new();
    for (new_row, &row) in order.iter().enumerate() {
        let at = position
            .as_ref()
            .map_or(row, |position| position[row as usize]);
        if at != ABSENT {
            values.extend_from(&column.values, at as usize..at as usize + 1);
            rows.push(new_row as u32);
        }
    }
    if values.len() == 0 {
        return None;
    }
    let rows = if values.len() == order.len() {
        Rows::All
    } else {
        Rows::Some(rows)
    };
    Some(Column {
        name: column.name.clone(),
        rows,
        values,
    })
}
