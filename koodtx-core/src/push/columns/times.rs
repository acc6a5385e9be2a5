//! The times of a group.

use super::GroupParser;
use super::place::Place;
use crate::json::number::NumberToken;
use crate::json::scanner::Scanner;
use crate::push::PushError;
use crate::sample_time::is_sample_time;
use crate::time::{MICROS_PER_MILLI, Timestamp};

/// Stands for a time outside of what the protocol allows; no valid time is below 0.
pub(super) const OUT_OF_RANGE: i64 = -1;
/// Stands for a time that is no number.
pub(super) const NOT_A_NUMBER: i64 = -2;

const SHAPE: &str =
    "has to be an array of times in milliseconds, or an object with `first` and `steps`";
const FIRST: &str = "has to be a number: milliseconds since 1970-01-01 UTC";
const STEP: &str =
    "has to be an array of whole milliseconds; put times with a fraction into an array";

impl GroupParser {
    /// Reads `timestamp` into the times of the rows; returns whether all of them are valid.
    pub(super) fn read_times(&mut self, scanner: &mut Scanner<'_>) -> Result<bool, PushError> {
        let place = Place::of_group(self.group).member("timestamp");
        match scanner.peek() {
            b'[' => self.read_each_time(scanner),
            b'{' => self.read_steps(scanner, place),
            _ => Err(place.invalid(SHAPE)),
        }
    }

    fn read_each_time(&mut self, scanner: &mut Scanner<'_>) -> Result<bool, PushError> {
        let room = self.gathered.room();
        let mut valid = true;
        let mut first = true;
        scanner.take(b'[');
        while scanner.next_element(&mut first)? {
            if self.times.len() == room {
                return Err(self.gathered.too_many_records());
            }
            if !matches!(scanner.peek(), b'-' | b'0'..=b'9') {
                scanner.value()?;
                self.times.push(NOT_A_NUMBER);
                valid = false;
                continue;
            }
            loop {
                let time = sample_time(scanner.millis()?);
                valid &= time >= 0;
                self.times.push(time);
                if self.times.len() == room || scanner.take_separator().is_none() {
                    break;
                }
            }
        }
        Ok(valid)
    }

    /// Reads the first time and how many milliseconds each other one lies behind the one before.
    fn read_steps(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: Place<'_>,
    ) -> Result<bool, PushError> {
        let (mut first_time, mut steps_at, mut read) = (None, None, None);
        let mut first = true;
        scanner.take(b'{');
        while let Some(key) = scanner.next_key(&mut first)? {
            match key.raw {
                "first" => {
                    let time = read_first(scanner, place.part("first"))?;
                    if first_time.replace(time).is_some() {
                        return Err(place.part("first").invalid("is there twice"));
                    }
                }
                "steps" => {
                    scanner.peek();
                    if steps_at.replace(scanner.at).is_some() {
                        return Err(place.part("steps").invalid("is there twice"));
                    }
                    match first_time {
                        Some(time) => read = Some(self.add_steps(scanner, place, time)?),
                        None => drop(scanner.value()?),
                    }
                }
                _ => return Err(place.invalid(SHAPE)),
            }
        }
        match (first_time, steps_at, read) {
            (_, _, Some(valid)) => Ok(valid),
            (Some(time), Some(at), None) => {
                let end = std::mem::replace(&mut scanner.at, at);
                let valid = self.add_steps(scanner, place, time)?;
                scanner.at = end;
                Ok(valid)
            }
            _ => Err(place.invalid(SHAPE)),
        }
    }

    /// Reads the array of steps, which begin at the time `first_micros`.
    fn add_steps(
        &mut self,
        scanner: &mut Scanner<'_>,
        place: Place<'_>,
        first_micros: i64,
    ) -> Result<bool, PushError> {
        let problem = || place.part("steps").invalid(STEP);
        if !scanner.take(b'[') {
            return Err(problem());
        }
        let room = self.gathered.room();
        if room == 0 {
            return Err(self.gathered.too_many_records());
        }
        let mut last = first_micros;
        let mut valid = self.add_time(last);
        let mut first = true;
        while scanner.next_element(&mut first)? {
            if !matches!(scanner.peek(), b'-' | b'0'..=b'9') {
                return Err(problem());
            }
            loop {
                if self.times.len() == room {
                    return Err(self.gathered.too_many_records());
                }
                let next = match scanner.plain_integer() {
                    Some(millis) => after(last, millis),
                    None => step_micros(scanner.number()?).and_then(|step| last.checked_add(step)),
                };
                last = next.ok_or_else(problem)?;
                valid &= self.add_time(last);
                let Some(separator) = scanner.take_separator() else {
                    break;
                };
                scanner.plain_numbers(separator, |step, _| {
                    let step = step.to_integer().filter(|_| self.times.len() < room);
                    let next = step.and_then(|millis| after(last, millis));
                    if let Some(next) = next {
                        last = next;
                        valid &= self.add_time(next);
                    }
                    next.is_some()
                });
            }
        }
        Ok(valid)
    }

    /// Adds the time of a row; returns whether it is valid.
    #[inline]
    fn add_time(&mut self, micros: i64) -> bool {
        let time = sample_time(Some(micros));
        self.times.push(time);
        time >= 0
    }
}

fn read_first(scanner: &mut Scanner<'_>, place: Place<'_>) -> Result<i64, PushError> {
    if !matches!(scanner.peek(), b'-' | b'0'..=b'9') {
        return Err(place.invalid(FIRST));
    }
    scanner.millis()?.ok_or_else(|| place.invalid(FIRST))
}

/// The time that lies so many milliseconds behind another, in microseconds as that one.
#[inline]
fn after(micros: i64, millis: i64) -> Option<i64> {
    micros.checked_add(millis.checked_mul(MICROS_PER_MILLI)?)
}

/// The microseconds of a step, which is a whole number of milliseconds.
#[inline]
fn step_micros(step: NumberToken<'_>) -> Option<i64> {
    step.millis_to_micros().filter(|_| step.integer)
}

/// A time in microseconds, or that it is out of range.
#[inline]
fn sample_time(micros: Option<i64>) -> i64 {
    micros
        .filter(|&micros| is_sample_time(Timestamp::from_micros(micros)))
        .unwrap_or(OUT_OF_RANGE)
}
