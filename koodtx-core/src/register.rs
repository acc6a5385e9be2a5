//! The last-write-wins register: one value and the stamp of the write that set it.

use serde::{Deserialize, Serialize};

use crate::time::{Tick, Timestamp};

/// When a write happened, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The client said when it last modified the value.
    Client(Timestamp),
    /// The client said nothing: the user clock at which the server accepted the write.
    Server(Timestamp),
}

impl Stamp {
    /// The stamp of a write whose client sent `updated_at`, or nothing, at `tick`.
    pub fn new(updated_at: Option<Timestamp>, tick: Tick) -> Self {
        match updated_at {
            Some(stamp) => Self::Client(tick.clamp(stamp)),
            None => Self::Server(tick.at()),
        }
    }

    /// The instant that decides who wins.
    pub fn at(self) -> Timestamp {
        match self {
            Self::Client(at) | Self::Server(at) => at,
        }
    }
}

/// What a write did to a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is written: the stored value is equal or newer.
    Kept,
    /// The value is equal and its stamp rises, so that an edit in between loses on every replica.
    /// Has to be stored, but is no change that other devices need to see.
    Raised,
    /// The value changed.
    Changed,
}

/// A value that is merged by last write wins.
///
/// `join` is commutative, associative and idempotent: the register with the greater
/// `(stamp, value)` wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Register<T> {
    // Field order matters: the derived order is the order of the merge.
    /// When the value was written.
    pub stamp: Timestamp,
    /// The value.
    pub value: T,
}

impl<T: Ord> Register<T> {
    /// The merge of two replicas of a register.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }

    /// Merges a write into a stored register (`None`: never written) and says what that did.
    pub fn write(slot: &mut Option<Self>, value: T, stamp: Stamp) -> Effect {
        let incoming = Self {
            stamp: stamp.at(),
            value,
        };
        let Some(stored) = slot else {
            *slot = Some(incoming);
            return Effect::Changed;
        };
        if stored.value == incoming.value {
            if matches!(stamp, Stamp::Client(at) if at > stored.stamp) {
                stored.stamp = incoming.stamp;
                return Effect::Raised;
            }
            return Effect::Kept;
        }
        if incoming > *stored {
            *stored = incoming;
            Effect::Changed
        } else {
            Effect::Kept
        }
    }
}
