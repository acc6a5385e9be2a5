//! From the bytes of a push body straight into columns.

use std::collections::HashMap;

use super::{PushBatch, PushError, RecordError, SeriesBatch, SeriesBuilder};
use crate::id::SensorType;
use crate::json::JsonError;
use crate::json::scanner::{Scanner, StringToken, SyntaxError};
use crate::limits::{
    PUSH_ERROR_DETAILS_MAX_COUNT, PUSH_RECORDS_MAX_COUNT, RECORD_DATA_MAX_BYTES,
    RECORD_DATA_MAX_DEPTH, RECORD_TIMESTAMP_MAX_MILLIS, SENSOR_TYPE_MAX_CHARS,
    SESSION_SENSOR_TYPES_MAX_COUNT, too_many_sensor_types,
};
use crate::sample_time::is_sample_time;
use crate::session::SessionPatch;
use crate::time::Timestamp;

impl PushBatch {
    /// Reads a push body.
    ///
    /// A record that is not valid is counted and left out; it never fails the rest. Takes time in
    /// proportion to the body: run it off the async threads, and before any lock.
    ///
    /// # Errors
    /// When the body is no JSON, the session is not valid, or there are more records than
    /// [`PUSH_RECORDS_MAX_COUNT`].
    pub fn parse(body: &[u8]) -> Result<Self, PushError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            PushError::malformed(format!(
                "the body is not UTF-8 (byte {})",
                error.valid_up_to()
            ))
        })?;
        let mut scanner = Scanner::new(text);
        if scanner.peek() != b'{' {
            return Err(PushError::malformed(
                "the body has to be a JSON object with `session` and `sensor_data`",
            ));
        }
        scanner.take(b'{');
        let (mut session, mut records) = (None, None);
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            match key.decode().as_deref() {
                Ok("session") => session = Some(scanner.value()?.0),
                Ok("sensor_data") => records = Some(RecordParser::parse(&mut scanner)?),
                _ => drop(scanner.value()?),
            }
        }
        scanner.finish()?;
        let session = session.ok_or_else(|| PushError::missing("session"))?;
        let session = SessionPatch::from_json(session)?;
        records
            .ok_or_else(|| PushError::missing("sensor_data"))?
            .finish(session)
    }
}

/// Series that are tried for a record that looks like an earlier one: sensors that tick unevenly
/// take turns in any order, and a comparison that fails costs less than a look-up.
const ALIKE_SERIES_MAX_COUNT: usize = 8;

/// Reads the `sensor_data` array.
#[derive(Default)]
struct RecordParser {
    series: Vec<(SensorType, SeriesBuilder)>,
    index: HashMap<SensorType, usize>,
    /// The series of the record before: sensors mostly take turns.
    last: usize,
    total: u64,
    errors: u64,
    details: Vec<RecordError>,
}

/// Why a record is refused: a stable code and a sentence.
type Fault = (&'static str, String);

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
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, PushError> {
        if scanner.peek() != b'[' {
            scanner.value()?;
            return Err(PushError::invalid(
                "sensor_data",
                "has to be an array of records",
            ));
        }
        scanner.take(b'[');
        let mut parser = Self::default();
        let mut first = true;
        while scanner.next_element(&mut first)? {
            if parser.total == PUSH_RECORDS_MAX_COUNT as u64 {
                return Err(PushError::too_large(format!(
                    "one push may carry at most {PUSH_RECORDS_MAX_COUNT} records; split it"
                )));
            }
            if let Some((code, message)) = parser.record(scanner)? {
                if parser.details.len() < PUSH_ERROR_DETAILS_MAX_COUNT {
                    parser.details.push(RecordError {
                        index: parser.total,
                        code,
                        message,
                    });
                }
                parser.errors += 1;
            }
            parser.total += 1;
        }
        Ok(parser)
    }

    fn finish(self, session: SessionPatch) -> Result<PushBatch, PushError> {
        let mut replaced = 0;
        let mut series = Vec::with_capacity(self.series.len());
        for (sensor_type, builder) in self.series {
            if builder.len() == 0 {
                continue;
            }
            let (records, again) = builder.finish();
            replaced += again;
            series.push(SeriesBatch {
                sensor_type,
                records,
            });
        }
        if series.len() > SESSION_SENSOR_TYPES_MAX_COUNT {
            return Err(PushError::too_large(too_many_sensor_types()));
        }
        series.sort_unstable_by(|left, right| left.sensor_type.cmp(&right.sensor_type));
        Ok(PushBatch {
            session,
            series,
            total_records: self.total,
            replaced,
            errors: self.errors,
            error_details: self.details,
        })
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
                    self.series[series].1.rollback();
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
                let builder = &mut self.series[series].1;
                builder.commit(time, stamp);
                builder.learn(scanner.slice(start, scanner.at));
                self.last = series;
                Ok(None)
            }
            Draft {
                series, time, read, ..
            } => {
                if let (Some(series), true) = (series, read) {
                    self.series[series].1.rollback();
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
        let others = 1..self.series.len().min(ALIKE_SERIES_MAX_COUNT);
        for guess in [self.last + 1, 0, self.last].into_iter().chain(others) {
            let Some((_, builder)) = self.series.get_mut(guess) else {
                continue;
            };
            if !builder.begins(scanner) {
                continue;
            }
            let start = scanner.at;
            match builder.read_alike(scanner) {
                Some(time) if is_sample_time(Timestamp::from_micros(time)) => {
                    builder.commit(time, None);
                    self.last = guess;
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
                    self.series[series].1.rollback();
                    draft.read = false;
                }
                if scanner.peek() == b'"' {
                    let token = scanner.string()?;
                    match self.series_of(token)? {
                        Some(series) => draft.series = Some(series),
                        None => draft.fail("invalid_sensor_type", sensor_type_help()),
                    }
                } else {
                    scanner.value()?;
                    draft.fail("invalid_sensor_type", sensor_type_help());
                }
            }
            "timestamp" => match scanner.peek() {
                b'-' | b'0'..=b'9' => {
                    let micros = scanner.number()?.millis_to_micros();
                    match micros.filter(|&micros| is_sample_time(Timestamp::from_micros(micros))) {
                        Some(micros) => draft.time = Some(micros),
                        None => draft.fail("timestamp_out_of_range", timestamp_range_help()),
                    }
                }
                _ => {
                    scanner.value()?;
                    draft.fail("invalid_timestamp", TIMESTAMP_TYPE_HELP);
                }
            },
            "data" => {
                if scanner.peek() != b'{' {
                    scanner.value()?;
                    draft.fail("invalid_data", "`data` has to be a JSON object");
                    return Ok(());
                }
                let start = scanner.at;
                match draft.series {
                    Some(series) if draft.fault.is_none() => {
                        if std::mem::take(&mut draft.read) {
                            self.series[series].1.rollback();
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
                    None => draft.fail("invalid_updated_at", UPDATED_AT_HELP),
                },
                _ => {
                    if scanner.value()?.0 != "null" {
                        draft.fail("invalid_updated_at", UPDATED_AT_HELP);
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
        let builder = &mut self.series[series].1;
        match builder.read_data(scanner, RECORD_DATA_MAX_BYTES) {
            Ok(()) if scanner.at - start <= RECORD_DATA_MAX_BYTES => draft.read = true,
            Ok(()) => {
                builder.rollback();
                draft.fail("data_too_large", data_size_help());
            }
            Err(JsonError::Syntax(error)) => return Err(error),
            Err(error) => {
                // Nothing but this record is wrong: go on behind its data.
                scanner.at = start;
                scanner.value()?;
                match error {
                    JsonError::TooLong => draft.fail("data_too_large", data_size_help()),
                    JsonError::TooDeep => draft.fail(
                        "data_too_deep",
                        format!("`data` may nest at most {RECORD_DATA_MAX_DEPTH} levels deep"),
                    ),
                    JsonError::NumberNotFinite => {
                        draft.fail(
                            "number_not_finite",
                            format!("`data` cannot be stored: {error}"),
                        );
                    }
                    error => draft.fail(
                        "invalid_string",
                        format!("`data` cannot be stored: {error}"),
                    ),
                }
            }
        }
        Ok(())
    }

    /// The series of a sensor type; `None` where it is not valid.
    #[inline]
    fn series_of(&mut self, token: StringToken<'_>) -> Result<Option<usize>, PushError> {
        if !token.escaped {
            for guess in [self.last + 1, 0, self.last] {
                if self
                    .series
                    .get(guess)
                    .is_some_and(|(known, _)| known.as_str() == token.raw)
                {
                    return Ok(Some(guess));
                }
            }
        }
        let Ok(name) = token.decode() else {
            return Ok(None);
        };
        if let Some(&series) = self.index.get(&*name) {
            return Ok(Some(series));
        }
        let Ok(sensor_type) = SensorType::new(&name) else {
            return Ok(None);
        };
        // Refused records may name types too, so leave some room; `finish` counts exactly.
        if self.series.len() > 2 * SESSION_SENSOR_TYPES_MAX_COUNT {
            return Err(PushError::too_large(too_many_sensor_types()));
        }
        self.series
            .push((sensor_type.clone(), SeriesBuilder::default()));
        self.index.insert(sensor_type, self.series.len() - 1);
        Ok(Some(self.series.len() - 1))
    }
}

impl Draft {
    /// Notes what is wrong, unless something already is.
    fn fail(&mut self, code: &'static str, message: impl Into<String>) {
        self.fault.get_or_insert_with(|| (code, message.into()));
    }
}

fn sensor_type_help() -> String {
    format!(
        "`sensor_type` has to be a string of 1 to {SENSOR_TYPE_MAX_CHARS} characters without control \
         characters"
    )
}

fn timestamp_range_help() -> String {
    format!(
        "`timestamp` has to be milliseconds since 1970-01-01 UTC, from 0 to \
         {RECORD_TIMESTAMP_MAX_MILLIS}; divide microseconds by 1000 and nanoseconds by 1000000"
    )
}

fn data_size_help() -> String {
    format!("`data` may have at most {RECORD_DATA_MAX_BYTES} bytes of JSON; split the record")
}

const TIMESTAMP_TYPE_HELP: &str =
    "`timestamp` has to be a number: milliseconds since 1970-01-01 UTC";
const UPDATED_AT_HELP: &str =
    "`updated_at` has to be a string with an RFC 3339 time, like 2025-11-13T12:00:00.250Z";
