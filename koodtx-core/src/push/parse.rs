//! Records that stand one by one, straight into columns.

use super::body::{RECORDS, read_body};
use super::fault::{self, Fault};
use super::gathered::Gathered;
use super::{PushBatch, PushError};
use crate::json::JsonError;
use crate::json::scanner::{Scanner, StringToken, SyntaxError};
use crate::limits::RECORD_DATA_MAX_BYTES;
use crate::sample_time::is_sample_time;
use crate::time::Timestamp;

impl PushBatch {
    /// Reads a push body in the documented form, in which records stand one by one.
    ///
    /// A record that is not valid is counted and left out; it never fails the rest. Takes time in
    /// proportion to the body: run it off the async threads, and before any lock.
    ///
    /// # Errors
    /// When the body is no JSON, the session is not valid, or there are more records than
    /// [`PUSH_RECORDS_MAX_COUNT`](crate::limits::PUSH_RECORDS_MAX_COUNT).
    pub fn parse(body: &[u8]) -> Result<Self, PushError> {
        read_body(body, RECORDS, None, RecordParser::parse)
    }
}

/// Series that are tried for a record that looks like an earlier one: sensors that tick unevenly
/// take turns in any order, and a comparison that fails costs less than a look-up.
const ALIKE_SERIES_MAX_COUNT: usize = 8;

/// Reads the `sensor_data` array.
struct RecordParser {
    gathered: Gathered,
}

/// What is known of a record while its members are read.
#[derive(Default)]
struct Draft {
    series: Option<usize>,
    time: Option<i64>,
    stamp: Option<Timestamp>,
    /// Where `data` begins; it is read late if it comes before the sensor type.
    data_at: Option<usize>,
    /// Whether the series holds the record's `data` already.
    read: bool,
    fault: Option<Fault>,
}

impl RecordParser {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Gathered, PushError> {
        if scanner.peek() != b'[' {
            scanner.value()?;
            return Err(PushError::invalid(RECORDS, "has to be an array of records"));
        }
        scanner.take(b'[');
        let mut parser = Self {
            gathered: Gathered::new(RECORDS),
        };
        let mut first = true;
        while scanner.next_element(&mut first)? {
            if parser.gathered.room() == 0 {
                return Err(parser.gathered.too_many_records());
            }
            match parser.record(scanner)? {
                None => parser.gathered.total += 1,
                Some(fault) => parser.gathered.refuse(fault),
            }
        }
        Ok(parser.gathered)
    }

    /// Reads one element of the array; returns why it was refused, if it was.
    #[inline]
    fn record(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Fault>, PushError> {
        if scanner.peek() != b'{' {
            scanner.value()?;
            return Ok(Some((
                "invalid_record",
                "a record has to be an object".into(),
            )));
        }
        let start = scanner.at;
        if self.record_alike(scanner) {
            return Ok(None);
        }
        scanner.take(b'{');
        let mut draft = Draft::default();
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            self.member(scanner, key, &mut draft)?;
        }
        if draft.fault.is_none()
            && !draft.read
            && let (Some(series), Some(at)) = (draft.series, draft.data_at)
        {
            let end = scanner.at;
            scanner.at = at;
            self.data(scanner, series, &mut draft)?;
            scanner.at = end;
        }
        match draft {
            Draft {
                fault: Some(fault),
                series,
                read,
                ..
            } => {
                if let (Some(series), true) = (series, read) {
                    self.gathered.series[series].1.rollback();
                }
                Ok(Some(fault))
            }
            Draft {
                series: Some(series),
                time: Some(time),
                read: true,
                stamp,
                ..
            } => {
                let builder = &mut self.gathered.series[series].1;
                builder.commit(time, stamp);
                builder.learn(scanner.slice(start, scanner.at));
                self.gathered.last = series;
                Ok(None)
            }
            Draft {
                series, time, read, ..
            } => {
                if let (Some(series), true) = (series, read) {
                    self.gathered.series[series].1.rollback();
                }
                let name = match (series, time) {
                    (None, _) => "sensor_type",
                    (_, None) => "timestamp",
                    _ => "data",
                };
                Ok(Some(("missing_field", format!("`{name}` is missing"))))
            }
        }
    }

    /// Reads a record that looks like an earlier one of its series; false, with nothing read, where
    /// it does not.
    #[inline]
    fn record_alike(&mut self, scanner: &mut Scanner<'_>) -> bool {
        let others = 1..self.gathered.series.len().min(ALIKE_SERIES_MAX_COUNT);
        for guess in [self.gathered.last + 1, 0, self.gathered.last]
            .into_iter()
            .chain(others)
        {
            let Some((_, builder)) = self.gathered.series.get_mut(guess) else {
                continue;
            };
            if !builder.begins(scanner) {
                continue;
            }
            let start = scanner.at;
            match builder.read_alike(scanner) {
                Some(time) if is_sample_time(Timestamp::from_micros(time)) => {
                    builder.commit(time, None);
                    self.gathered.last = guess;
                    return true;
                }
                Some(_) => {
                    builder.rollback();
                    scanner.at = start;
                }
                None => {}
            }
        }
        false
    }

    /// Reads the value of one member of a record.
    #[inline]
    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: StringToken<'_>,
        draft: &mut Draft,
    ) -> Result<(), PushError> {
        let decoded;
        let name = if key.escaped {
            decoded = key.decode().unwrap_or_default();
            &*decoded
        } else {
            key.raw
        };
        match name {
            "sensor_type" => {
                // A second `sensor_type` moves the record; its data goes along.
                if draft.read
                    && let Some(series) = draft.series.take()
                {
                    self.gathered.series[series].1.rollback();
                    draft.read = false;
                }
                if scanner.peek() == b'"' {
                    let token = scanner.string()?;
                    match self.gathered.series_of(token)? {
                        Some(series) => draft.series = Some(series),
                        None => draft.fail(fault::invalid_sensor_type()),
                    }
                } else {
                    scanner.value()?;
                    draft.fail(fault::invalid_sensor_type());
                }
            }
            "timestamp" => match scanner.peek() {
                b'-' | b'0'..=b'9' => {
                    let micros = scanner.millis()?;
                    match micros.filter(|&micros| is_sample_time(Timestamp::from_micros(micros))) {
                        Some(micros) => draft.time = Some(micros),
                        None => draft.fail(fault::timestamp_out_of_range()),
                    }
                }
                _ => {
                    scanner.value()?;
                    draft.fail(fault::invalid_timestamp());
                }
            },
            "data" => {
                if scanner.peek() != b'{' {
                    scanner.value()?;
                    draft.fail(("invalid_data", "`data` has to be a JSON object".into()));
                    return Ok(());
                }
                let start = scanner.at;
                match draft.series {
                    Some(series) if draft.fault.is_none() => {
                        if std::mem::take(&mut draft.read) {
                            self.gathered.series[series].1.rollback();
                        }
                        self.data(scanner, series, draft)?;
                    }
                    _ => drop(scanner.value()?),
                }
                draft.data_at = Some(start);
            }
            "updated_at" => match scanner.peek() {
                b'"' => match scanner
                    .string()?
                    .decode()
                    .ok()
                    .and_then(|text| text.parse().ok())
                {
                    Some(stamp) => draft.stamp = Some(stamp),
                    None => draft.fail(fault::invalid_updated_at()),
                },
                _ => {
                    if scanner.value()?.0 != "null" {
                        draft.fail(fault::invalid_updated_at());
                    }
                }
            },
            _ => drop(scanner.value()?),
        }
        Ok(())
    }

    /// Reads the `data` object at the scanner into a series.
    #[inline]
    fn data(
        &mut self,
        scanner: &mut Scanner<'_>,
        series: usize,
        draft: &mut Draft,
    ) -> Result<(), SyntaxError> {
        let start = scanner.at;
        let builder = &mut self.gathered.series[series].1;
        match builder.read_data(scanner, RECORD_DATA_MAX_BYTES) {
            Ok(()) if scanner.at - start <= RECORD_DATA_MAX_BYTES => draft.read = true,
            Ok(()) => {
                builder.rollback();
                draft.fail(fault::data_too_large());
            }
            Err(JsonError::Syntax(error)) => return Err(error),
            Err(error) => {
                // Nothing but this record is wrong: go on behind its data.
                scanner.at = start;
                scanner.value()?;
                draft.fail(fault::of_data(error));
            }
        }
        Ok(())
    }
}

impl Draft {
    /// Notes what is wrong, unless something already is.
    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}
