//! Taking keys apart.

use koodtx_core::id::{SensorType, UserId};
use koodtx_core::time::Timestamp;
use uuid::Uuid;

use super::{GROUP_BITS, NARROW_BYTES, UUID_BYTES, WIDE_BYTES};
use crate::error::{Failure, Result};

/// Reads the components of a key behind its tag, in their order.
pub(crate) struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    pub(crate) fn new(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    fn number(&mut self, length: usize) -> Result<u128> {
        let (component, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| Failure::corrupt("a key is shorter than its table asks for"))?;
        self.0 = rest;
        Ok(component.iter().fold(0, |value, &byte| {
            value << GROUP_BITS | u128::from(byte & 0x7F)
        }))
    }

    fn wide(&mut self) -> Result<i64> {
        Ok((self.number(WIDE_BYTES)? as u64 ^ (1 << 63)).cast_signed())
    }

    pub(crate) fn user(&mut self) -> Result<UserId> {
        self.wide().map(UserId)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.wide().map(Timestamp::from_micros)
    }

    pub(crate) fn series(&mut self) -> Result<u32> {
        Ok(self.number(NARROW_BYTES)? as u32)
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid> {
        self.number(UUID_BYTES).map(Uuid::from_u128)
    }

    pub(crate) fn sensor_type(self) -> Result<SensorType> {
        std::str::from_utf8(self.0)
            .ok()
            .and_then(|text| SensorType::new(text).ok())
            .ok_or_else(|| Failure::corrupt("a key holds no valid sensor type"))
    }
}
