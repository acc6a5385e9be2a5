//! Items of a frame, as bytes.

use koodtx_core::block::Block;
use koodtx_core::id::{SensorType, UserId};
use koodtx_core::store::{Credentials, Family, SignIn, TokenHash, TransferItem, User};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Entry;

/// What an item is.
mod tag {
    pub(super) const USER: u8 = b'U';
    pub(super) const DELETED: u8 = b'D';
    pub(super) const ACCOUNT: u8 = b'A';
    pub(super) const FAMILY: u8 = b'F';
    pub(super) const SESSION: u8 = b'S';
    pub(super) const BLOCK: u8 = b'B';
    pub(super) const ANALYSIS: u8 = b'N';
    pub(super) const LOG: u8 = b'L';
    pub(super) const CLOCK: u8 = b'C';
}

/// Bytes before a payload: what it is, and its length.
const HEAD_BYTES: usize = 5;

#[derive(Serialize, Deserialize)]
struct AccountRecord {
    user: User,
    password_hash: String,
}

#[derive(Serialize, Deserialize)]
struct FamilyRecord {
    sign_in: SignIn,
    token: TokenHash,
}

/// Appends the beginning of a user.
pub(super) fn put_user(buffer: &mut Vec<u8>, user: UserId) {
    put(buffer, tag::USER, &user.0.to_le_bytes());
}

/// Appends an item.
pub(super) fn put_item(buffer: &mut Vec<u8>, item: &TransferItem) -> std::io::Result<()> {
    match item {
        TransferItem::Deleted(deleted) => put_json(buffer, tag::DELETED, deleted),
        TransferItem::Account(Credentials {
            user,
            password_hash,
        }) => {
            let record = AccountRecord {
                user: user.clone(),
                password_hash: password_hash.clone(),
            };
            put_json(buffer, tag::ACCOUNT, &record)
        }
        TransferItem::Family(Family { sign_in, token }) => {
            let record = FamilyRecord {
                sign_in: sign_in.clone(),
                token: *token,
            };
            put_json(buffer, tag::FAMILY, &record)
        }
        TransferItem::Session(state) => put_json(buffer, tag::SESSION, state),
        TransferItem::Block(sensor_type, block) => {
            let name = sensor_type.as_str().as_bytes();
            let encoded = block.encode();
            let mut payload = Vec::with_capacity(1 + name.len() + encoded.len());
            // 50 characters are 200 bytes at most.
            payload.push(name.len() as u8);
            payload.extend_from_slice(name);
            payload.extend_from_slice(&encoded);
            put(buffer, tag::BLOCK, &payload);
            Ok(())
        }
        TransferItem::Analysis(analysis) => put_json(buffer, tag::ANALYSIS, analysis),
        TransferItem::Log(entry) => put_json(buffer, tag::LOG, entry),
        TransferItem::Clock(clock) => put_json(buffer, tag::CLOCK, clock),
    }
}

fn put_json(buffer: &mut Vec<u8>, tag: u8, value: &impl Serialize) -> std::io::Result<()> {
    put(buffer, tag, &serde_json::to_vec(value)?);
    Ok(())
}

fn put(buffer: &mut Vec<u8>, tag: u8, payload: &[u8]) {
    buffer.push(tag);
    buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    buffer.extend_from_slice(payload);
}

/// Takes the next item off the bytes of a frame.
pub(super) fn take(rest: &mut &[u8]) -> Result<Entry, String> {
    let cut = || "an item is cut short".to_owned();
    let (head, behind) = rest.split_at_checked(HEAD_BYTES).ok_or_else(cut)?;
    let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let (payload, behind) = behind.split_at_checked(len).ok_or_else(cut)?;
    *rest = behind;
    entry(head[0], payload)
}

fn entry(tag: u8, payload: &[u8]) -> Result<Entry, String> {
    let item = match tag {
        tag::USER => {
            let id = payload.try_into().map_err(|_| "a user has no id")?;
            return Ok(Entry::User(UserId(i64::from_le_bytes(id))));
        }
        tag::DELETED => TransferItem::Deleted(json("a deletion", payload)?),
        tag::ACCOUNT => {
            let record: AccountRecord = json("an account", payload)?;
            TransferItem::Account(Credentials {
                user: record.user,
                password_hash: record.password_hash,
            })
        }
        tag::FAMILY => {
            let record: FamilyRecord = json("a sign-in", payload)?;
            TransferItem::Family(Family {
                sign_in: record.sign_in,
                token: record.token,
            })
        }
        tag::SESSION => TransferItem::Session(json("a session", payload)?),
        tag::BLOCK => {
            let (sensor_type, block) = block(payload)?;
            TransferItem::Block(sensor_type, block)
        }
        tag::ANALYSIS => TransferItem::Analysis(json("an analysis", payload)?),
        tag::LOG => TransferItem::Log(json("a log entry", payload)?),
        tag::CLOCK => TransferItem::Clock(json("a clock", payload)?),
        other => return Err(format!("there are no items of the kind {other}")),
    };
    Ok(Entry::Item(item))
}

/// What is in the way is named by its kind alone: a password hash must not be shown.
fn json<T: DeserializeOwned>(what: &str, payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|_| format!("{what} does not make sense"))
}

fn block(payload: &[u8]) -> Result<(SensorType, Block), String> {
    let cut = "a block has no sensor";
    let (&len, rest) = payload.split_first().ok_or(cut)?;
    let (name, encoded) = rest.split_at_checked(usize::from(len)).ok_or(cut)?;
    let name = std::str::from_utf8(name).map_err(|_| cut)?;
    let sensor_type = SensorType::new(name).map_err(|error| error.to_string())?;
    let block = Block::decode(encoded).map_err(|error| error.to_string())?;
    Ok((sensor_type, block))
}
