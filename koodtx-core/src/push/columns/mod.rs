//! The columnar form of a push: samples in groups, each group a list of times and one list a field.
//!
//! The values of a group go into the columns of its series list by list. That needs each of its rows to
//! be valid, which is known only at the end of the group; a group in which one is not is taken back and
//! read row by row, in the way of the documented form.

mod fields;
mod list;
mod place;
mod rows;
mod stamps;
mod times;

use self::place::Place;
use super::body::{COLUMNS, RECORDS, read_body};
use super::gathered::Gathered;
use super::{PushBatch, PushError};
use crate::json::scanner::Scanner;

impl PushBatch {
    /// Reads a push body in the columnar form, in which the values of a field stand in one list.
    ///
    /// A row that is not valid is counted and left out, as a record of the documented form would be. Takes
    /// time in proportion to the body: run it off the async threads, and before any lock.
    ///
    /// # Errors
    /// Those of [`Self::parse`], and where a group is not formed as it has to be.
    pub fn parse_columns(body: &[u8]) -> Result<Self, PushError> {
        read_body(body, COLUMNS, Some(RECORDS), GroupParser::parse)
    }
}

/// Reads the `columns` array.
struct GroupParser {
    gathered: Gathered,
    /// The group, counted from 0.
    group: usize,
    // What is known of the rows of the group; kept from group to group for the memory they hold.
    /// Times in microseconds; below 0 where a row's is not valid.
    times: Vec<i64>,
    /// Client stamps; empty where no row has one.
    stamps: Vec<i64>,
    /// Rows of a field that not every row has.
    present: Vec<u32>,
}

/// Where the members of a group begin.
#[derive(Default)]
struct Members {
    sensor_type: Option<usize>,
    timestamp: Option<usize>,
    data: Option<usize>,
    updated_at: Option<usize>,
}

impl Members {
    /// The place of a member that the form knows, and its name.
    fn of_name(&mut self, name: &str) -> Option<(&mut Option<usize>, &'static str)> {
        Some(match name {
            "sensor_type" => (&mut self.sensor_type, "sensor_type"),
            "timestamp" => (&mut self.timestamp, "timestamp"),
            "data" => (&mut self.data, "data"),
            "updated_at" => (&mut self.updated_at, "updated_at"),
            _ => return None,
        })
    }
}

impl GroupParser {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Gathered, PushError> {
        if scanner.peek() != b'[' {
            scanner.value()?;
            return Err(PushError::invalid(COLUMNS, "has to be an array of groups"));
        }
        scanner.take(b'[');
        let mut parser = Self {
            gathered: Gathered::new(COLUMNS),
            group: 0,
            times: Vec::new(),
            stamps: Vec::new(),
            present: Vec::new(),
        };
        let mut first = true;
        while scanner.next_element(&mut first)? {
            parser.read_group(scanner)?;
            parser.group += 1;
        }
        Ok(parser.gathered)
    }

    fn read_group(&mut self, scanner: &mut Scanner<'_>) -> Result<(), PushError> {
        let place = Place::of_group(self.group);
        if scanner.peek() != b'{' {
            scanner.value()?;
            return Err(place.invalid("has to be an object with `timestamp` and `data`"));
        }
        scanner.take(b'{');
        self.times.clear();
        self.stamps.clear();
        let mut members = Members::default();
        let mut series = None;
        // Whether the data are in the columns of the series: `None` before they were tried.
        let mut fitted = None;
        let mut valid = true;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let name = key.decode().unwrap_or_default();
            let Some((member, name)) = members.of_name(&name) else {
                scanner.value()?;
                continue;
            };
            scanner.peek();
            if member.replace(scanner.at).is_some() {
                return Err(place.member(name).invalid("is there twice"));
            }
            match name {
                "sensor_type" if scanner.peek() == b'"' => {
                    series = self.gathered.series_of(scanner.string()?)?;
                }
                "timestamp" => valid = self.read_times(scanner)?,
                "data" if valid && !self.times.is_empty() && series.is_some() => {
                    fitted = Some(self.read_fields(scanner, series)?);
                }
                // Read below, when the rows are known.
                _ => drop(scanner.value()?),
            }
        }
        let end = scanner.at;
        let required = |at: Option<usize>, name| at.ok_or_else(|| place.member(name).missing());
        required(members.sensor_type, "sensor_type")?;
        required(members.timestamp, "timestamp")?;
        let data = required(members.data, "data")?;
        if let Some(at) = members.updated_at {
            scanner.at = at;
            valid &= self.read_stamps(scanner)?;
        }
        if fitted.is_none() && valid && !self.times.is_empty() && series.is_some() {
            scanner.at = data;
            fitted = Some(self.read_fields(scanner, series)?);
        }
        match (series, fitted) {
            (Some(series), Some(true)) if valid => self.commit(series),
            (Some(series), Some(true)) => {
                let builder = &mut self.gathered.series[series].1;
                builder.rollback_from(builder.len());
                self.read_rows(scanner, data, Some(series))?;
            }
            _ => self.read_rows(scanner, data, series)?,
        }
        scanner.at = end;
        Ok(())
    }

    /// Completes the rows whose data stand in the columns of a series.
    fn commit(&mut self, series: usize) {
        self.gathered.series[series]
            .1
            .commit_rows(&self.times, &self.stamps);
        self.gathered.last = series;
        self.gathered.total += self.times.len() as u64;
    }
}
