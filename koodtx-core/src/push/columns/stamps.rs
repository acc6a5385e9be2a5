//! The `updated_at` of a group.

use super::GroupParser;
use super::list::{List, count_rest};
use super::place::Place;
use crate::block::NO_STAMP;
use crate::json::scanner::Scanner;
use crate::push::PushError;
use crate::time::Timestamp;

/// Stands for an `updated_at` that is no time.
pub(super) const BAD_STAMP: i64 = i64::MAX;

impl GroupParser {
    /// Reads `updated_at` into the stamps of the rows; returns whether all of them are valid.
    pub(super) fn read_stamps(&mut self, scanner: &mut Scanner<'_>) -> Result<bool, PushError> {
        let rows = self.times.len();
        match scanner.peek() {
            // One for all rows, or none.
            b'"' | b'n' => {
                let stamp = read_stamp(scanner)?;
                if stamp != NO_STAMP {
                    self.stamps.resize(rows, stamp);
                }
                return Ok(stamp != BAD_STAMP);
            }
            _ => {}
        }
        let place = Place::of_group(self.group).member("updated_at");
        let list = List::find(scanner, place, rows, &mut self.present)?;
        let targets = match list.rows_at {
            None => None,
            Some(_) => Some(&self.present),
        };
        scanner.at = list.values_at;
        scanner.take(b'[');
        let expected = targets.map_or(rows, Vec::len);
        let (mut count, mut valid, mut any) = (0, true, false);
        let mut first = true;
        self.stamps.resize(rows, NO_STAMP);
        while count < expected && scanner.next_element(&mut first)? {
            let stamp = read_stamp(scanner)?;
            let row = targets.map_or(count, |present| present[count] as usize);
            self.stamps[row] = stamp;
            valid &= stamp != BAD_STAMP;
            any |= stamp != NO_STAMP;
            count += 1;
        }
        if count == expected {
            count += count_rest(scanner, &mut first)?;
        }
        list.check_count(place, rows, &self.present, count)?;
        if !any {
            self.stamps.clear();
        }
        Ok(valid)
    }
}

fn read_stamp(scanner: &mut Scanner<'_>) -> Result<i64, PushError> {
    if scanner.peek() == b'"' {
        let text = scanner.string()?.decode().ok();
        let stamp = text.and_then(|text| text.parse::<Timestamp>().ok());
        return Ok(stamp.map_or(BAD_STAMP, Timestamp::as_micros));
    }
    let (value, _) = scanner.value()?;
    Ok(if value == "null" { NO_STAMP } else { BAD_STAMP })
}
