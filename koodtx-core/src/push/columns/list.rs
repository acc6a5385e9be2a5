//! A list of one value a row, or of one value for each of some rows.

use super::place::Place;
use crate::json::scanner::Scanner;
use crate::push::PushError;

const SHAPE: &str = "has to be an array of one value a row, or an object with `rows` and `values`";

/// Where the array of a list's values begins, and which rows they belong to.
pub(super) struct List {
    /// Where the `[` stands.
    pub(super) values_at: usize,
    /// Where the `[` of the row numbers stands; `None` where every row has a value.
    pub(super) rows_at: Option<usize>,
}

impl List {
    /// Finds the parts of the list at the scanner, and reads the numbers of its rows into `present`.
    ///
    /// The scanner then stands at the `[` of the values where every row has one, and behind the list
    /// otherwise.
    pub(super) fn find(
        scanner: &mut Scanner<'_>,
        place: Place<'_>,
        rows: usize,
        present: &mut Vec<u32>,
    ) -> Result<Self, PushError> {
        present.clear();
        match scanner.peek() {
            b'[' => Ok(Self {
                values_at: scanner.at,
                rows_at: None,
            }),
            b'{' => {
                let [rows_at, values_at] = parts(scanner, place, ["rows", "values"])?;
                let end = scanner.at;
                scanner.at = rows_at;
                read_present(scanner, place.part("rows"), rows, present)?;
                scanner.at = values_at;
                if scanner.peek() != b'[' {
                    return Err(place.part("values").invalid("has to be an array"));
                }
                scanner.at = end;
                Ok(Self {
                    values_at,
                    rows_at: Some(rows_at),
                })
            }
            _ => Err(place.invalid(SHAPE)),
        }
    }

    /// Checks how many values there are.
    pub(super) fn check_count(
        &self,
        place: Place<'_>,
        rows: usize,
        present: &[u32],
        values: usize,
    ) -> Result<(), PushError> {
        match self.rows_at {
            None if values != rows => Err(place.invalid(format!(
                "has {values} values, but the group has {rows} rows (one a timestamp)"
            ))),
            Some(_) if values != present.len() => Err(place.invalid(format!(
                "has {} `rows`, but {values} `values`",
                present.len()
            ))),
            _ => Ok(()),
        }
    }
}

/// Where the two members of the object at the scanner begin; it may have no others.
fn parts(
    scanner: &mut Scanner<'_>,
    place: Place<'_>,
    names: [&'static str; 2],
) -> Result<[usize; 2], PushError> {
    let mut found = [None; 2];
    let mut first = true;
    scanner.take(b'{');
    while let Some(key) = scanner.next_key(&mut first)? {
        let at = names.iter().position(|name| *name == key.raw);
        let at = at.ok_or_else(|| place.invalid(SHAPE))?;
        scanner.peek();
        if found[at].replace(scanner.at).is_some() {
            return Err(place.part(names[at]).invalid("is there twice"));
        }
        scanner.value()?;
    }
    match found {
        [Some(one), Some(other)] => Ok([one, other]),
        _ => Err(place.invalid(SHAPE)),
    }
}

fn read_present(
    scanner: &mut Scanner<'_>,
    place: Place<'_>,
    rows: usize,
    present: &mut Vec<u32>,
) -> Result<(), PushError> {
    let problem = || {
        place.invalid(format!(
            "has to be an array of row numbers from 0 to below {rows}, ascending"
        ))
    };
    if !scanner.take(b'[') {
        return Err(problem());
    }
    let mut first = true;
    let mut from = 0;
    while scanner.next_element(&mut first)? {
        if !scanner.peek().is_ascii_digit() {
            return Err(problem());
        }
        let token = scanner.number()?;
        let row = token.mantissa;
        if !token.integer || token.overflow || row < from || row >= rows as u64 {
            return Err(problem());
        }
        from = row + 1;
        present.push(row as u32);
    }
    Ok(())
}

/// How many elements are left of the array at the scanner.
pub(super) fn count_rest(scanner: &mut Scanner<'_>, first: &mut bool) -> Result<usize, PushError> {
    let mut count = 0;
    while scanner.next_element(first)? {
        scanner.value()?;
        count += 1;
    }
    Ok(count)
}
