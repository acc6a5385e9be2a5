//! Why a check failed.

use std::fmt;
use std::panic::Location;

use crate::store::StoreError;

/// What a check comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// A law that a store broke, and where the suite noticed.
#[derive(Clone, Debug)]
pub struct Failure {
    message: String,
    location: &'static Location<'static>,
}

impl Failure {
    /// A failure noticed at the caller.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            location: Location::caller(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.message, self.location)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    /// An error where the law promises success.
    #[track_caller]
    fn from(error: StoreError) -> Self {
        let mut message = format!("the store failed: {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(below) = source {
            message = format!("{message}: {below}");
            source = below.source();
        }
        Self::new(message)
    }
}

/// Fails the check, with a message like `format!`'s, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failure::new(format!($($message)+)));
        }
    };
}

/// Fails the check, with a message like `format!`'s and both values, unless they are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $($message:tt)+) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    let what = format!($($message)+);
                    let message = format!("{what}\n   got: {left:?}\nwanted: {right:?}");
                    return Err($crate::conformance::Failure::new(message));
                }
            }
        }
    };
}

pub(crate) use {ensure, ensure_eq};
