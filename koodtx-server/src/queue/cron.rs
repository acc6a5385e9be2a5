//! Times at which something is due again and again, in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::clock::{self, Micros};
use super::cron_fields::{self, CronError};

/// Times at which something is due, as a cron expression in UTC.
///
/// - five fields: minute, hour, day of the month, month, day of the week; or six,
///   with the second in front
/// - `*`, numbers, ranges (`1-5`), steps (`*/15`, `8-18/2`) and lists of them;
///   names of months and days
/// - days of the week from 0 to 7, where both 0 and 7 are Sunday
/// - where both kinds of day are given, either is enough, as in every cron
/// - `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`
#[derive(Clone)]
pub struct Schedule {
    text: String,
    /// Due when any of them is.
    any_of: Vec<cron::Schedule>,
}

impl Schedule {
    /// The first time after this one at which something is due, if there is any.
    pub fn next_after(&self, time: Micros) -> Option<Micros> {
        let time: DateTime<Utc> = DateTime::from_timestamp_micros(time)?;
        let next = |schedule: &cron::Schedule| schedule.after(&time).next();
        let soonest = self.any_of.iter().filter_map(next).min()?;
        Some(soonest.timestamp_micros())
    }
}

impl FromStr for Schedule {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let schedule = Self {
            text: text.trim().to_owned(),
            any_of: cron_fields::parse(text)?,
        };
        match schedule.next_after(clock::now()) {
            Some(_) => Ok(schedule),
            None => Err(CronError::Never),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({:?})", self.text)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}
