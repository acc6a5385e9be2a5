//! How often somebody may do something.

use std::num::NonZeroU32;
use std::str::FromStr;

/// How often a minute one address, or one account, may do something.
///
/// As many may come at once; then one at a time, as the minute passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Any number.
    Off,
    /// So many.
    PerMinute(NonZeroU32),
}

impl RateLimit {
    /// The number, where there is one.
    pub fn per_minute(self) -> Option<u32> {
        match self {
            Self::Off => None,
            Self::PerMinute(number) => Some(number.get()),
        }
    }
}

/// Why a text is no rate limit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("use `off` or the number a minute, at least 1")]
pub struct RateLimitError;

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        match text {
            "off" => Ok(Self::Off),
            number => number
                .parse()
                .map(Self::PerMinute)
                .map_err(|_| RateLimitError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        assert_eq!("off".parse::<RateLimit>().unwrap().per_minute(), None);
        assert_eq!("7".parse::<RateLimit>().unwrap().per_minute(), Some(7));
        for text in ["0", "-1", "many", ""] {
            assert_eq!(text.parse::<RateLimit>(), Err(RateLimitError));
        }
    }
}
