//! Keys: what lies where in the one tree, in which order.
//!
//! A key is a table's tag followed by components of fixed length, at most the last of which is text.
//! Numbers are written big-endian in groups of **seven** bits, so no byte of a key is ever 0xFF:
//! sled's backward iteration looks for the predecessor of a node by padding with 0xFF, and spins
//! until it panics where real keys lie behind that padding.

mod reader;

use koodtx_core::id::{LogId, SensorType, SessionId, SignInId, UserId};
use koodtx_core::pull::RoundKey;
use koodtx_core::time::Timestamp;
use uuid::Uuid;

pub(crate) use reader::KeyReader;

const GROUP_BITS: u32 = 7;
/// Bytes of a 64-bit component.
const WIDE_BYTES: usize = 10;
/// Bytes of a 32-bit component.
const NARROW_BYTES: usize = 5;
/// Bytes of a 128-bit component.
const UUID_BYTES: usize = 19;
/// Above every byte that occurs in a key.
const ABOVE: u8 = 0xFF;

/// The tables. The tag is the first byte of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    /// `user` → user clock and counters.
    User = b'u',
    /// `user, created_at` → session: the order of full pulls and lists.
    Session = b's',
    /// `user, session id` → `created_at`.
    SessionId = b'i',
    /// `user, updated_at` → `created_at`, live: what delta pulls read.
    Change = b'c',
    /// `user, life, sensor type` → series.
    Series = b'k',
    /// `user, life, series, first time` → encoded block that is not in the open end of its series.
    Block = b'b',
    /// `user, life, series, place` → a block of the open end: its first time and the encoded block. Apart
    /// from the others, because sled writes whole leaves of its tree and these change with every push; and
    /// at places that are used again, because keys that come and go make it rebuild them.
    OpenBlock = b'o',
    /// `user, life, changed, series, first time` → nothing: which blocks changed after a clock.
    BlockChange = b'd',
    /// `user, life` → nothing: a life that ended and whose keys are still to be removed.
    Garbage = b'g',
    /// `user, created_at` → the analysis of a session, as text.
    Analysis = b'a',
    /// `user, created_at` → the clock of that analysis.
    Analysed = b'q',
    /// Hash of the name → the last run of a task.
    TaskRun = b't',
    /// `user, log id` → sync log entry.
    Log = b'l',
    /// `user, sign-in, since, filter` → remembered first page of a pull round.
    Round = b'r',
    /// `user` → account.
    Account = b'A',
    /// Hash of the folded username → user.
    Username = b'N',
    /// Hash of the folded email → user.
    Email = b'E',
    /// Hash of the registered device → user.
    Device = b'D',
    /// `user` → what is kept of a deleted account.
    Deleted = b'X',
    /// `user` → nothing: a deleted user who has left something that is still to be removed.
    Leaving = b'x',
    /// `user, sign-in` → refresh-token family.
    Family = b'F',
    /// Nothing → the source of an import that has not finished.
    Import = b'm',
    /// `user, life` → nothing: a life that an import fills and whose session is still to be written.
    Filling = b'n',
    /// `key, number` → a further part of the value at `key`.
    Part = b'p',
}

/// A key, or the common beginning of several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    fn of(table: Table) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(table as u8);
        Self(bytes)
    }

    fn number(mut self, value: u128, length: usize) -> Self {
        self.0.extend(
            (0..length as u32)
                .rev()
                .map(|group| (value >> (group * GROUP_BITS)) as u8 & 0x7F),
        );
        self
    }

    fn wide(self, value: i64) -> Self {
        // Flipping the sign makes the unsigned order of the bytes that of the signed numbers.
        self.number(u128::from(value.cast_unsigned() ^ (1 << 63)), WIDE_BYTES)
    }

    fn user(self, user: UserId) -> Self {
        self.wide(user.0)
    }

    fn time(self, time: Timestamp) -> Self {
        self.wide(time.as_micros())
    }

    fn series(self, series: u32) -> Self {
        self.number(u128::from(series), NARROW_BYTES)
    }

    fn uuid(self, uuid: Uuid) -> Self {
        self.number(uuid.as_u128(), UUID_BYTES)
    }

    /// Above every key that begins with this one, and below every other key above it.
    pub(crate) fn end(&self) -> Self {
        let mut bytes = self.0.clone();
        bytes.push(ABOVE);
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    /// All keys of a table.
    pub(crate) fn table(table: Table) -> Self {
        Self::of(table)
    }

    pub(crate) fn user_record(user: UserId) -> Self {
        Self::of(Table::User).user(user)
    }

    pub(crate) fn sessions(user: UserId) -> Self {
        Self::of(Table::Session).user(user)
    }

    pub(crate) fn session(user: UserId, created_at: Timestamp) -> Self {
        Self::sessions(user).time(created_at)
    }

    pub(crate) fn session_ids(user: UserId) -> Self {
        Self::of(Table::SessionId).user(user)
    }

    pub(crate) fn session_id(user: UserId, id: SessionId) -> Self {
        Self::session_ids(user).uuid(id.0)
    }

    /// What `table` has of the session created at that time.
    pub(crate) fn of_session(table: Table, user: UserId, created_at: Timestamp) -> Self {
        Self::of(table).user(user).time(created_at)
    }

    pub(crate) fn changes(user: UserId) -> Self {
        Self::of(Table::Change).user(user)
    }

    pub(crate) fn change(user: UserId, updated_at: Timestamp) -> Self {
        Self::changes(user).time(updated_at)
    }

    /// All keys of `table`, one in which the user comes first, that belong to one user.
    pub(crate) fn of_user(table: Table, user: UserId) -> Self {
        Self::of(table).user(user)
    }

    /// All keys of `table` that belong to one life of a session.
    pub(crate) fn life(table: Table, user: UserId, life: Timestamp) -> Self {
        Self::of(table).user(user).time(life)
    }

    pub(crate) fn one_series(user: UserId, life: Timestamp, sensor_type: &SensorType) -> Self {
        let mut key = Self::life(Table::Series, user, life);
        key.0.extend_from_slice(sensor_type.as_str().as_bytes());
        key
    }

    pub(crate) fn blocks(user: UserId, life: Timestamp, series: u32) -> Self {
        Self::life(Table::Block, user, life).series(series)
    }

    pub(crate) fn block(user: UserId, life: Timestamp, series: u32, first: Timestamp) -> Self {
        Self::blocks(user, life, series).time(first)
    }

    /// A place for a block of the open end of a series.
    pub(crate) fn open_block(user: UserId, life: Timestamp, series: u32, place: u32) -> Self {
        Self::life(Table::OpenBlock, user, life)
            .series(series)
            .series(place)
    }

    /// All blocks of a life that changed at `changed` or later begin here.
    pub(crate) fn block_changes(user: UserId, life: Timestamp, changed: Timestamp) -> Self {
        Self::life(Table::BlockChange, user, life).time(changed)
    }

    pub(crate) fn block_change(
        user: UserId,
        life: Timestamp,
        changed: Timestamp,
        series: u32,
        first: Timestamp,
    ) -> Self {
        Self::block_changes(user, life, changed)
            .series(series)
            .time(first)
    }

    pub(crate) fn logs(user: UserId) -> Self {
        Self::of(Table::Log).user(user)
    }

    pub(crate) fn log(user: UserId, id: LogId) -> Self {
        Self::logs(user).wide(id.0)
    }

    pub(crate) fn rounds(user: UserId, sign_in: SignInId) -> Self {
        Self::of(Table::Round).user(user).uuid(sign_in.0)
    }

    pub(crate) fn round(user: UserId, round: &RoundKey) -> Self {
        let since = round.since.map_or(i64::MIN, Timestamp::as_micros);
        Self::rounds(user, round.sign_in)
            .wide(since)
            .number(u128::from(round.filter), WIDE_BYTES)
    }

    pub(crate) fn account(user: UserId) -> Self {
        Self::of(Table::Account).user(user)
    }

    /// A key that stands for a text of any length.
    pub(crate) fn hashed(table: Table, hash: [u8; 32]) -> Self {
        let (left, right) = hash.split_at(16);
        let half = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum: u128, &byte| sum << 8 | u128::from(byte))
        };
        Self::of(table)
            .number(half(left), UUID_BYTES)
            .number(half(right), UUID_BYTES)
    }

    pub(crate) fn families(user: UserId) -> Self {
        Self::of(Table::Family).user(user)
    }

    pub(crate) fn family(user: UserId, sign_in: SignInId) -> Self {
        Self::families(user).uuid(sign_in.0)
    }

    /// All further parts of the values whose keys begin with `key`.
    pub(crate) fn parts(key: &[u8]) -> Self {
        let mut parts = Self::of(Table::Part);
        parts.0.extend_from_slice(key);
        parts
    }

    pub(crate) fn part(key: &[u8], number: u32) -> Self {
        Self::parts(key).series(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_components_and_never_hold_ff(a: (i64, i64), b: (i64, i64)) {
            let key = |(user, time)| Key::session(UserId(user), Timestamp::from_micros(time));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert!(!key(a).as_bytes().contains(&ABOVE));
        }

        #[test]
        fn components_come_back(user: i64, life: i64, changed: i64, series: u32, first: i64, id: u128) {
            let (user, time) = (UserId(user), Timestamp::from_micros);
            let key = Key::block_change(user, time(life), time(changed), series, time(first));
            let mut reader = KeyReader::new(key.as_bytes());
            prop_assert_eq!(reader.user().unwrap(), user);
            prop_assert_eq!(reader.time().unwrap(), time(life));
            prop_assert_eq!(reader.time().unwrap(), time(changed));
            prop_assert_eq!(reader.series().unwrap(), series);
            prop_assert_eq!(reader.time().unwrap(), time(first));
            prop_assert!(reader.time().is_err());

            let key = Key::session_id(user, SessionId(Uuid::from_u128(id)));
            let mut reader = KeyReader::new(key.as_bytes());
            prop_assert_eq!(reader.user().unwrap(), user);
            prop_assert_eq!(reader.uuid().unwrap(), Uuid::from_u128(id));
        }
    }

    #[test]
    fn the_end_of_a_prefix_lies_behind_all_its_keys_and_before_the_next() {
        let sessions = Key::sessions(UserId(7));
        assert!(Key::session(UserId(7), Timestamp::from_micros(i64::MAX)) < sessions.end());
        assert!(sessions.end() < Key::session(UserId(8), Timestamp::from_micros(i64::MIN)));
    }
}
