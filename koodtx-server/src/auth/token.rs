//! Signed tokens: what proves a sign-in.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::TokenHash;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::AuthError;

/// Who signs; checked, so that a token of another service with the same secret does not pass.
const ISSUER: &str = "koodtx";
/// The only algorithm. What a token's own header names is compared with it, never followed.
const ALGORITHM: Algorithm = Algorithm::HS256;
/// Longest token that is looked at, in bytes.
const TOKEN_MAX_BYTES: usize = 4 * 1024;
/// Shortest signing secret, in bytes: as long as the digest, as RFC 7518 asks.
const SECRET_MIN_BYTES: usize = 32;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The secret that tokens are signed with. `Debug` hides it.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

/// Why a text is no signing secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret has {length_bytes} bytes and needs at least {SECRET_MIN_BYTES}; make one with \
     `openssl rand -hex 32`"
)]
pub struct SigningSecretError {
    length_bytes: usize,
}

impl SigningSecret {
    /// Takes a secret of at least 32 bytes.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn new(bytes: &[u8]) -> Result<Self, SigningSecretError> {
        if bytes.len() < SECRET_MIN_BYTES {
            return Err(SigningSecretError {
                length_bytes: bytes.len(),
            });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// A new secret that nobody keeps.
    pub fn random() -> Self {
        Self(Self::generate().into_bytes())
    }

    /// A new secret, as text to be kept.
    pub fn generate() -> String {
        let bytes: [u8; SECRET_MIN_BYTES] = rand::random();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// How long tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of an access token, in seconds. One lives no longer than the refresh token that it comes with: it
    /// ends with the sign-in, and what a token says of its expiry is to be true.
    pub access_seconds: i64,
    /// Of a refresh token, in seconds.
    pub refresh_seconds: i64,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TokenKind {
    /// For the API.
    Access,
    /// For the next pair of tokens.
    Refresh,
}

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    #[serde(rename = "type")]
    kind: TokenKind,
    /// The sign-in, which names the family of refresh tokens.
    fam: Uuid,
    /// The device.
    #[serde(skip_serializing_if = "Option::is_none")]
    dev: Option<String>,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Whom a token stands for.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    pub(super) user: UserId,
    pub(super) sign_in: SignInId,
    pub(super) device_id: Option<String>,
}

/// Signs and checks tokens.
pub struct Tokens {
    signing: EncodingKey,
    /// The current key first, then the ones that were used before.
    checking: Vec<DecodingKey>,
    validation: Validation,
    lifetimes: Lifetimes,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Signs with `secret`.
    pub fn new(secret: &SigningSecret, lifetimes: Lifetimes) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Time is checked here, against the server's clock rather than the library's.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(&secret.0),
            checking: vec![DecodingKey::from_secret(&secret.0)],
            validation,
            lifetimes,
        }
    }

    /// Also accepts tokens that were signed with `previous`.
    ///
    /// A token does not say which key it was signed with: to try a second key costs a microsecond,
    /// and tokens from before a rotation could not say it anyway.
    #[must_use]
    pub fn accepting(mut self, previous: &SigningSecret) -> Self {
        self.checking.push(DecodingKey::from_secret(&previous.0));
        self
    }

    /// A signed token and when it expires.
    pub(super) fn issue(
        &self,
        kind: TokenKind,
        bearer: &Bearer,
        now: Timestamp,
    ) -> Result<(String, Timestamp), AuthError> {
        let lifetime_seconds = match kind {
            TokenKind::Access => {
                let Lifetimes {
                    access_seconds,
                    refresh_seconds,
                } = self.lifetimes;
                access_seconds.min(refresh_seconds)
            }
            TokenKind::Refresh => self.lifetimes.refresh_seconds,
        };
        let issued = now.as_micros().div_euclid(MICROS_PER_SECOND);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: bearer.user.to_string(),
            kind,
            fam: bearer.sign_in.0,
            dev: bearer.device_id.clone(),
            iat: issued,
            exp: issued.saturating_add(lifetime_seconds),
            jti: Uuid::new_v4(),
        };
        let token = encode(&Header::new(ALGORITHM), &claims, &self.signing)
            .map_err(|error| AuthError::Internal(format!("signing a token failed: {error}")))?;
        Ok((
            token,
            Timestamp::from_micros(claims.exp.saturating_mul(MICROS_PER_SECOND)),
        ))
    }

    /// Whom a token of that kind stands for.
    pub(super) fn check(
        &self,
        token: &str,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<Bearer, AuthError> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(AuthError::TokenInvalid);
        }
        let claims = self
            .checking
            .iter()
            .find_map(|key| decode::<Claims>(token, key, &self.validation).ok())
            .ok_or(AuthError::TokenInvalid)?
            .claims;
        if claims.kind != kind {
            return Err(AuthError::TokenKind);
        }
        if now.as_micros() >= claims.exp.saturating_mul(MICROS_PER_SECOND) {
            return Err(AuthError::TokenExpired);
        }
        let user = claims.sub.parse().map_err(|_| AuthError::TokenInvalid)?;
        Ok(Bearer {
            user: UserId(user),
            sign_in: SignInId(claims.fam),
            device_id: claims.dev,
        })
    }
}

/// What a store keeps of a refresh token.
pub(super) fn token_hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens_of(access_seconds: i64, refresh_seconds: i64) -> Tokens {
        let secret = SigningSecret::new(&[7; SECRET_MIN_BYTES]).unwrap();
        let lifetimes = Lifetimes {
            access_seconds,
            refresh_seconds,
        };
        Tokens::new(&secret, lifetimes)
    }

    fn tokens() -> Tokens {
        tokens_of(60, 120)
    }

    fn bearer() -> Bearer {
        let device_id = Some("phone".to_owned());
        Bearer {
            user: UserId(42),
            sign_in: SignInId(Uuid::new_v4()),
            device_id,
        }
    }

    #[test]
    fn a_token_says_who_until_it_expires() {
        let (tokens, bearer) = (tokens(), bearer());
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (token, expires) = tokens.issue(TokenKind::Access, &bearer, now).unwrap();
        let checked = tokens.check(&token, TokenKind::Access, now).unwrap();
        assert_eq!(
            (checked.user, checked.sign_in),
            (bearer.user, bearer.sign_in)
        );
        assert_eq!(checked.device_id, bearer.device_id);
        assert!(
            tokens
                .check(&token, TokenKind::Access, expires.plus_micros(-1))
                .is_ok()
        );
        let late = tokens.check(&token, TokenKind::Access, expires);
        assert!(matches!(late, Err(AuthError::TokenExpired)));
        let kind = tokens.check(&token, TokenKind::Refresh, now);
        assert!(matches!(kind, Err(AuthError::TokenKind)));
    }

    #[test]
    fn an_access_token_says_that_it_ends_with_its_sign_in() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (access, refresh, expected) in [(60, 120, 60), (120, 120, 120), (600, 120, 120)] {
            let tokens = tokens_of(access, refresh);
            let (_, expires) = tokens.issue(TokenKind::Access, &bearer(), now).unwrap();
            assert_eq!(expires, now.plus_micros(expected * MICROS_PER_SECOND));
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert_eq!(SigningSecret::new(&[1; 31]).unwrap_err().length_bytes, 31);
        let text = SigningSecret::generate();
        let secret = SigningSecret::new(text.as_bytes()).unwrap();
        assert!(!format!("{secret:?}").contains(&text));
    }
}
