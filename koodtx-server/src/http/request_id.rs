//! The name of a request, by which its answer and its lines of log are found.

use poem::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of requests and of answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a client, in bytes.
const CLIENT_ID_MAX_BYTES: usize = 64;

/// The id of a request, among what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn new(id: HeaderValue) -> Self {
        Self(id)
    }

    pub(crate) fn to_text(&self) -> String {
        self.0.to_str().unwrap_or_default().to_owned()
    }
}

/// The id that the client, or a proxy before the server, gave to the request; a new one where there
/// is none, or one that could be mistaken for something else in a log.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| is_plain(id.as_bytes()));
    given.cloned().unwrap_or_else(generated)
}

fn is_plain(id: &[u8]) -> bool {
    let is_plain_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=CLIENT_ID_MAX_BYTES).contains(&id.len()) && id.iter().all(is_plain_byte)
}

fn generated() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    let text = Uuid::new_v4().simple().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(given: &[u8]) -> HeaderValue {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
        request_id(&headers)
    }

    #[test]
    fn a_plain_id_is_kept_and_every_other_replaced() {
        let longest = "x".repeat(CLIENT_ID_MAX_BYTES);
        for plain in ["a", "2026-11-25.A_b", &longest] {
            assert_eq!(id_of(plain.as_bytes()), plain);
        }
        let too_long = "x".repeat(CLIENT_ID_MAX_BYTES + 1);
        for other in ["", "a b", "a\"b", "a=b", "ä", "a{b}", &too_long] {
            let id = id_of(other.as_bytes());
            assert!(id != other && is_plain(id.as_bytes()), "{id:?}");
        }
        let none = HeaderMap::new();
        assert_ne!(request_id(&none), request_id(&none));
    }
}
