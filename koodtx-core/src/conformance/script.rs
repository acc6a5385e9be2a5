//! The words in which checks are written: users, sessions, and pushes as the JSON that a client
//! would send.

use std::fmt::Display;

use uuid::Uuid;

use crate::id::{SensorType, SessionId, UserId};
use crate::pull::{PageStart, PullQuery};
use crate::push::PushBatch;
use crate::time::Timestamp;

use super::Failure;

/// A user.
pub const ANN: UserId = UserId(1);
/// Another user.
pub const BEN: UserId = UserId(2);

/// A session.
pub const RUN: SessionId = session_id(0x0f81_a4f3_c125_5dbf_ba8e_668c_0884_d7ac);
/// Another session, whose id sorts before that of [`RUN`].
pub const WALK: SessionId = session_id(0x0000_0000_0000_4000_8000_0000_0000_0002);
/// A third session, whose id sorts behind that of [`RUN`].
pub const RIDE: SessionId = session_id(0xffff_ffff_ffff_4fff_bfff_ffff_ffff_fff3);

/// A session by number.
pub const fn session_id(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// The wall clock at which every check begins: 2025-11-13T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_763_035_200_000);

/// An instant so many seconds before [`NOON`]: what a client edited offline earlier that day.
pub const fn before_noon(seconds: i64) -> Timestamp {
    NOON.plus_micros(-seconds * MICROS_PER_SECOND)
}

/// Microseconds in one second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// The `session` object of a push that says only what it must.
pub fn session(id: SessionId) -> String {
    session_with(id, "")
}

/// The `session` object of a push, with more members as JSON, like `"notes":"x","is_active":true`.
pub fn session_with(id: SessionId, members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"session_id":"{id}","start_time":"2025-11-13T00:00:00Z"{comma}{members}}}"#)
}

/// A record without a stamp of the client's.
pub fn record(sensor: &str, millis: impl Display, data: &str) -> String {
    format!(r#"{{"sensor_type":"{sensor}","timestamp":{millis},"data":{data}}}"#)
}

/// A record that the client last modified at `stamp`.
pub fn edited(sensor: &str, millis: impl Display, data: &str, stamp: Timestamp) -> String {
    format!(
        r#"{{"sensor_type":"{sensor}","timestamp":{millis},"data":{data},"updated_at":"{stamp}"}}"#
    )
}

/// Records of one sensor, one a time, with the time as value.
pub fn samples(sensor: &str, millis: impl IntoIterator<Item = u64>) -> Vec<String> {
    millis
        .into_iter()
        .map(|time| record(sensor, time, &format!(r#"{{"x":{time}}}"#)))
        .collect()
}

/// The body of a push.
pub fn body(session: &str, records: &[String]) -> String {
    format!(
        r#"{{"session":{session},"sensor_data":[{}]}}"#,
        records.join(",")
    )
}

/// Parses the body of a push as the service does.
pub fn parse(body: &str) -> Result<PushBatch, Failure> {
    PushBatch::parse(body.as_bytes())
        .map_err(|error| Failure::new(format!("the suite's own push does not parse: {error}")))
}

/// A sensor type; the suite's own are always valid.
pub fn sensor(name: &str) -> Result<SensorType, Failure> {
    SensorType::new(name).map_err(|error| Failure::new(format!("{name:?}: {error}")))
}

/// A pull of everything on one page, to be narrowed with struct update syntax.
pub fn everything(user: UserId) -> PullQuery {
    PullQuery {
        user,
        since: None,
        session_ids: None,
        start: PageStart::Offset(0),
        limit: usize::from(u16::MAX),
        round: None,
    }
}
