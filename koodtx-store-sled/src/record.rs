//! Small structured values: a version byte, then JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Failure, Result};
use crate::key::Key;
use crate::values::{Entry, Values, WriteSet};

/// Version of the JSON that this program writes.
const VERSION: u8 = 1;

pub(crate) fn put<T: Serialize>(set: &mut WriteSet<'_>, key: &Key, value: &T) -> Result<()> {
    set.put(key, &encode(value)?)
}

/// Stores a value where there is none, or one that is not [cut](WriteSet::put_over_uncut).
pub(crate) fn put_over_uncut<T: Serialize>(
    set: &mut WriteSet<'_>,
    key: &Key,
    value: &T,
) -> Result<()> {
    set.put_over_uncut(key, &encode(value)?);
    Ok(())
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, value)
        .map_err(|error| Failure::Io(std::io::Error::other(error)))?;
    Ok(bytes)
}

pub(crate) fn get<T: DeserializeOwned>(values: &Values, key: &Key) -> Result<Option<T>> {
    values.get(key)?.map(|bytes| decode(&bytes)).transpose()
}

pub(crate) fn load<T: DeserializeOwned>(values: &Values, entry: &Entry) -> Result<T> {
    decode(&values.load(entry)?)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match bytes {
        [VERSION, json @ ..] => serde_json::from_slice(json)
            .map_err(|error| Failure::corrupt(format!("a stored record cannot be read: {error}"))),
        [version, ..] => Err(Failure::corrupt(format!(
            "a stored record has the unknown version {version}"
        ))),
        [] => Err(Failure::corrupt("a stored record is empty")),
    }
}
