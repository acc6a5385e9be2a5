//! Password hashing: Argon2id, off the async threads, a bounded number at a time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Memory of one hash, in KiB: OWASP's first choice for Argon2id with two passes.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Longest wait for a turn before the request is shed.
const TURN_WAIT_MAX_SECONDS: u64 = 5;
/// Those that may wait for each turn: about two seconds of hashing. More would only be shed later.
const WAITING_OF_TURN_MAX_COUNT: usize = 50;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// The library failed, or a stored hash makes no sense.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

/// Hashes and checks passwords.
///
/// One hash costs tens of milliseconds of a core and 19 MiB, so only so many run at once, and only so
/// many more wait.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Those who have a turn or may wait for one.
    places: Arc<Semaphore>,
    /// A hash that no password fits, so that an unknown user costs what a known one does.
    decoy: Arc<str>,
}

impl Passwords {
    /// A hasher of that many passwords at a time.
    ///
    /// # Errors
    /// When the machine has no random numbers or not the memory for one hash.
    pub fn new(hashes: NonZeroUsize) -> Result<Self, PasswordError> {
        let nobody: [u8; 32] = rand::random();
        let turns = hashes.get().min(Semaphore::MAX_PERMITS);
        let places = turns.saturating_mul(1 + WAITING_OF_TURN_MAX_COUNT);
        Ok(Self {
            turns: Arc::new(Semaphore::new(turns)),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            decoy: hash_now(&nobody)?.into(),
        })
    }

    /// Hashes a password, with a salt of its own, into PHC string form.
    ///
    /// # Errors
    /// `Busy` when too many wait.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.in_turn(move || hash_now(password.as_bytes())).await
    }

    /// Whether the password is the one of `hash`; without a hash it takes as long and is false.
    ///
    /// # Errors
    /// `Busy` when too many wait; `Failed` when the hash is none.
    pub async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let decoy = self.decoy.clone();
        self.in_turn(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&decoy);
            let parsed = PasswordHash::new(hash).map_err(|error| failed(&error))?;
            let fits = Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok();
            Ok(fits && known)
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| PasswordError::Busy)?;
        let wait = Duration::from_secs(TURN_WAIT_MAX_SECONDS);
        let turn = tokio::time::timeout(wait, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        })
        .await
        .map_err(|error| failed(&error))?
    }
}

fn hash_now(password: &[u8]) -> Result<String, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2
        .hash_password(password)
        .map_err(|error| failed(&error))?;
    Ok(hash.to_string())
}

fn failed(error: &dyn std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let check = async |password: &str, hash: Option<String>| {
            passwords.verify(password.to_owned(), hash).await.unwrap()
        };
        assert!(check("correct horse", Some(hash.clone())).await);
        assert!(!check("correct horsE", Some(hash)).await);
        assert!(!check("correct horse", None).await);
        assert!(
            passwords
                .verify("x".to_owned(), Some("no hash".to_owned()))
                .await
                .is_err()
        );
    }
    #[tokio::test]
    async fn beyond_those_who_may_wait_everybody_is_turned_away_at_once() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        // Whoever has the turn keeps it.
        let turn = passwords.turns.clone().acquire_owned().await.unwrap();
        let mut waiting: Vec<_> = (0..=WAITING_OF_TURN_MAX_COUNT)
            .map(|_| Box::pin(passwords.verify("x".to_owned(), None)))
            .collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        let refused = passwords.verify("x".to_owned(), None).await;
        assert!(matches!(refused, Err(PasswordError::Busy)), "{refused:?}");
        // Who gives up leaves a place, and the turn goes on.
        drop((waiting, turn));
        assert!(!passwords.verify("x".to_owned(), None).await.unwrap());
    }
}
