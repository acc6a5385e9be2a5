//! How much a user may store.

use serde::{Deserialize, Serialize};

use super::StoreError;

/// How much one user may store; by default as much as there is room for.
///
/// A quota is no property of what is stored: it comes with each push. A push that would raise what the
/// user holds above it is refused whole; one that raises nothing (a retry, an end of a session, shorter
/// values) is taken whatever the user holds, also after the quota was lowered. Deleting sessions and
/// purging samples makes room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Most live sessions.
    pub sessions: Option<u64>,
    /// Most bytes of samples in all sessions together, as
    /// [`Block::data_bytes`](crate::block::Block::data_bytes) counts them.
    pub bytes: Option<u64>,
}

/// What a user holds, as far as a quota goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Live sessions.
    pub sessions: u64,
    /// Bytes of samples.
    pub data_bytes: u64,
}

impl Quota {
    /// Checks a step from `held` to `then`.
    pub(crate) fn check(&self, held: Held, then: Held) -> Result<(), StoreError> {
        if let Some(most) = self.sessions
            && then.sessions > held.sessions.max(most)
        {
            return Err(exceeded(format!(
                "{most} sessions may be stored at a time, and {} are: delete sessions before you push \
                 another",
                held.sessions
            )));
        }
        if let Some(most) = self.bytes
            && then.data_bytes > held.data_bytes.max(most)
        {
            return Err(exceeded(format!(
                "{most} bytes of samples may be stored, {} are, and the push would make that {}: delete \
                 sessions, or push less",
                held.data_bytes, then.data_bytes
            )));
        }
        Ok(())
    }
}

fn exceeded(message: String) -> StoreError {
    StoreError::new(super::StoreErrorKind::QuotaExceeded, "push", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(sessions: u64, data_bytes: u64) -> Held {
        Held {
            sessions,
            data_bytes,
        }
    }

    #[test]
    fn only_what_raises_above_a_quota_is_refused() {
        let quota = Quota {
            sessions: Some(2),
            bytes: Some(100),
        };
        for (before, after, is_taken) in [
            (held(1, 50), held(2, 100), true),
            (held(2, 50), held(3, 50), false),
            (held(2, 50), held(2, 101), false),
            // The quota was lowered.
            (held(5, 300), held(5, 300), true),
            (held(5, 300), held(5, 200), true),
            (held(5, 300), held(5, 301), false),
            (held(5, 300), held(6, 300), false),
            (held(0, 300), held(1, 300), true),
        ] {
            let refusal = quota.check(before, after).err();
            assert_eq!(refusal.is_none(), is_taken, "{before:?} {after:?}");
            assert!(Quota::default().check(before, after).is_ok());
            let Some(refusal) = refusal else { continue };
            assert_eq!(refusal.kind(), super::super::StoreErrorKind::QuotaExceeded);
            assert!(!refusal.is_retryable());
        }
    }

    #[test]
    fn a_refusal_says_what_holds_and_what_to_do() {
        let quota = Quota {
            sessions: None,
            bytes: Some(100),
        };
        let refusal = quota.check(held(1, 70), held(1, 130)).unwrap_err();
        for part in ["100 bytes", "70 are", "130", "delete sessions"] {
            assert!(refusal.message().contains(part), "{refusal}");
        }
    }
}
