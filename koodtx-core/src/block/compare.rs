//! Comparing rows of two sets of columns: cheaply where that decides, canonically where it does not.

use std::cmp::Ordering;
use std::ops::Range;

use super::columns::{Column, Columns, Rows, Texts, for_each_name};

/// Compares rows of two sets of columns by value.
pub(crate) struct RowComparer<'a> {
    left: &'a Columns,
    right: &'a Columns,
    numbers: Vec<[Option<&'a Column<Vec<f64>>>; 2]>,
    texts: Vec<[Option<&'a Column<Texts>>; 2]>,
    /// Both sides have the same fields, each in every row.
    same_dense: bool,
}

impl<'a> RowComparer<'a> {
    pub(crate) fn new(left: &'a Columns, right: &'a Columns) -> Self {
        fn dense<V>(pair: &[Option<&Column<V>>; 2]) -> bool {
            pair.iter().all(|column| {
                matches!(
                    column,
                    Some(Column {
                        rows: Rows::All,
                        ..
                    })
                )
            })
        }
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for_each_name([&left.numbers, &right.numbers], |pair| numbers.push(pair));
        for_each_name([&left.texts, &right.texts], |pair| texts.push(pair));
        let same_dense = left.whole.is_none()
            && right.whole.is_none()
            && numbers.iter().all(dense)
            && texts.iter().all(dense);
        Self {
            left,
            right,
            numbers,
            texts,
            same_dense,
        }
    }

    /// Whether the rows of two ranges of one length are all pairwise equal, decided at once: false
    /// means that they have to be compared one by one.
    pub(crate) fn all_equal(&self, left: Range<usize>, right: Range<usize>) -> bool {
        self.same_dense
            && self.numbers.iter().all(|pair| match pair {
                [Some(l), Some(r)] => l.values[left.clone()] == r.values[right.clone()],
                _ => false,
            })
            && self.texts.iter().all(|pair| match pair {
                [Some(l), Some(r)] => left
                    .clone()
                    .zip(right.clone())
                    .all(|(i, j)| l.values.get(i) == r.values.get(j)),
                _ => false,
            })
    }

    /// Whether two rows have equal values.
    pub(crate) fn equal(&self, left: usize, right: usize) -> bool {
        self.decide(left, right)
            .unwrap_or_else(|| self.order(left, right).is_eq())
    }

    /// Equality where the columns tell it without a look at canonical forms.
    fn decide(&self, left: usize, right: usize) -> Option<bool> {
        for columns in [(&self.left.whole, left), (&self.right.whole, right)] {
            if columns
                .0
                .as_ref()
                .is_some_and(|whole| whole.position(columns.1).is_some())
            {
                return None;
            }
        }
        let mut unequal = false;
        for pair in &self.numbers {
            match values(pair, left, right) {
                [Some((l, i)), Some((r, j))] => unequal |= l[i] != r[j],
                [None, None] => {}
                // The other side may hold an equal number as a big integer.
                _ => return None,
            }
        }
        for pair in &self.texts {
            match values(pair, left, right) {
                [Some((l, i)), Some((r, j))] => {
                    let (l, r) = (l.get(i), r.get(j));
                    let plain = l.starts_with('"') && r.starts_with('"');
                    // Strings have one stored form; numbers inside other texts have several.
                    if l != r && !plain {
                        return None;
                    }
                    unequal |= l != r;
                }
                [None, None] => {}
                _ => return None,
            }
        }
        Some(!unequal)
    }

    /// The order of two rows by their canonical values.
    pub(crate) fn order(&self, left: usize, right: usize) -> Ordering {
        self.left
            .row(left)
            .canonical_text()
            .cmp(&self.right.row(right).canonical_text())
    }
}

fn values<'a, V>(
    pair: &[Option<&'a Column<V>>; 2],
    left: usize,
    right: usize,
) -> [Option<(&'a V, usize)>; 2] {
    let value = |column: Option<&'a Column<V>>, row| {
        column.and_then(|column| Some((&column.values, column.position(row)?)))
    };
    [value(pair[0], left), value(pair[1], right)]
}
