//! Every limit of the protocol that a client can notice, by name. The unit is the last word of a name.

/// Longest `sensor_type` and longest entry of `enabled_sensors`, in characters.
pub const SENSOR_TYPE_MAX_CHARS: usize = 50;
/// Most entries of `enabled_sensors`.
pub const ENABLED_SENSORS_MAX_COUNT: usize = 100;
/// Longest `session` object of a push, in bytes of JSON: well above what its fields may hold.
pub const SESSION_MAX_BYTES: usize = 256 * 1024;
/// Longest `notes`, in characters.
pub const NOTES_MAX_CHARS: usize = 10_000;
/// Longest device id, in characters.
pub const DEVICE_ID_MAX_CHARS: usize = 100;
/// Shortest username, in characters.
pub const USERNAME_MIN_CHARS: usize = 3;
/// Longest username, in characters.
pub const USERNAME_MAX_CHARS: usize = 80;
/// Longest email address, in characters.
pub const EMAIL_MAX_CHARS: usize = 120;
/// Shortest password, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// Longest password, in characters.
pub const PASSWORD_MAX_CHARS: usize = 128;

/// Latest `timestamp` of a record, in milliseconds since the epoch: the last millisecond of 9999.
pub const RECORD_TIMESTAMP_MAX_MILLIS: i64 = 253_402_300_799_999;
/// Largest `data` object of a record, in bytes of JSON as it was sent.
pub const RECORD_DATA_MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting of a record's `data`; the object itself is level 1.
pub const RECORD_DATA_MAX_DEPTH: usize = 16;

/// Most records of one push; more must be split over several pushes.
pub const PUSH_RECORDS_MAX_COUNT: usize = 1_000_000;
/// Most fields of one group of the columnar form: more than the data of one record have room for.
pub const COLUMN_GROUP_FIELDS_MAX_COUNT: usize = 4_096;
/// Most entries of `error_details` in the answer to a push.
pub const PUSH_ERROR_DETAILS_MAX_COUNT: usize = 100;
/// Most distinct `sensor_type`s of one session, deleted sessions apart.
///
/// It bounds the memory of a pull, which reads all series of a session side by side.
pub const SESSION_SENSOR_TYPES_MAX_COUNT: usize = 1_000;

/// Most sessions of one page of a pull or list.
pub const PAGE_SIZE_MAX_COUNT: usize = 100;
/// Sessions of one page where the client names no size.
pub const PAGE_SIZE_DEFAULT_COUNT: usize = 50;
/// Highest page number; whoever needs more follows `next_cursor`, which costs the same at any depth.
pub const PAGE_MAX_NUMBER: usize = 10_000;
/// Most damaged places that the answer to a pull names; `verify` names them all.
pub const DAMAGE_REPORTED_MAX_COUNT: usize = 100;
/// Most entries of `session_ids` in one pull.
pub const PULL_SESSION_IDS_MAX_COUNT: usize = 1_000;
/// Longest text form of a cursor, in bytes.
pub const CURSOR_MAX_BYTES: usize = 512;
/// Sync log entries that a status answer shows.
pub const STATUS_RECENT_SYNCS_COUNT: usize = 10;

/// How far a client's stamp may lie ahead of the tick (the user clock of the push) before it becomes the
/// tick, in microseconds.
pub const STAMP_AHEAD_MAX_MICROS: i64 = 5 * 60 * 1_000_000;
/// How long the first page of a pull round is remembered, in microseconds.
pub const ROUND_MEMORY_MAX_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Most first pages remembered for one sign-in.
pub const ROUNDS_PER_SIGN_IN_MAX_COUNT: usize = 32;

/// What a client hears that brings more than [`SESSION_SENSOR_TYPES_MAX_COUNT`] sensor types.
pub(crate) fn too_many_sensor_types() -> String {
    format!(
        "a session holds at most {SESSION_SENSOR_TYPES_MAX_COUNT} different sensor types; put what \
         distinguishes the samples into `data` instead"
    )
}
