//! Why a record is refused, in the words of the protocol.

use crate::json::JsonError;
use crate::limits::{
    RECORD_DATA_MAX_BYTES, RECORD_DATA_MAX_DEPTH, RECORD_TIMESTAMP_MAX_MILLIS,
    SENSOR_TYPE_MAX_CHARS,
};

/// Why a record is refused: a stable code and a sentence.
pub(super) type Fault = (&'static str, String);

pub(super) fn invalid_sensor_type() -> Fault {
    let help = format!(
        "`sensor_type` has to be a string of 1 to {SENSOR_TYPE_MAX_CHARS} characters without control \
         characters"
    );
    ("invalid_sensor_type", help)
}

pub(super) fn invalid_timestamp() -> Fault {
    let help = "`timestamp` has to be a number: milliseconds since 1970-01-01 UTC";
    ("invalid_timestamp", help.to_owned())
}

pub(super) fn timestamp_out_of_range() -> Fault {
    let help = format!(
        "`timestamp` has to be milliseconds since 1970-01-01 UTC, from 0 to \
         {RECORD_TIMESTAMP_MAX_MILLIS}; divide microseconds by 1000 and nanoseconds by 1000000"
    );
    ("timestamp_out_of_range", help)
}

pub(super) fn data_too_large() -> Fault {
    let help =
        format!("`data` may have at most {RECORD_DATA_MAX_BYTES} bytes of JSON; split the record");
    ("data_too_large", help)
}

pub(super) fn invalid_updated_at() -> Fault {
    let help =
        "`updated_at` has to be a string with an RFC 3339 time, like 2025-11-13T12:00:00.250Z";
    ("invalid_updated_at", help.to_owned())
}

/// What is wrong with `data` that is JSON and cannot be stored.
pub(super) fn of_data(error: JsonError) -> Fault {
    match error {
        JsonError::TooLong => data_too_large(),
        JsonError::TooDeep => (
            "data_too_deep",
            format!("`data` may nest at most {RECORD_DATA_MAX_DEPTH} levels deep"),
        ),
        JsonError::NumberNotFinite => (
            "number_not_finite",
            format!("`data` cannot be stored: {error}"),
        ),
        error => (
            "invalid_string",
            format!("`data` cannot be stored: {error}"),
        ),
    }
}
