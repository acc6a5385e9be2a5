//! Which pages may use the API from a browser (CORS).

use std::str::FromStr;

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};

/// What a page may send beside what browsers always let it send.
const ALLOWED_HEADERS: &str = "authorization, content-type, content-encoding, x-request-id";
/// What a page may read of an answer beside what browsers always let it read.
const EXPOSED_HEADERS: &str = "x-request-id, retry-after, content-disposition";
/// How long a browser may remember what it was allowed. None remembers longer than a day.
const MAX_AGE_SECONDS: u64 = 60 * 60;

/// Pages of which other origins may use the API from a browser. Servers, phones and the server's
/// own pages need no permission.
///
/// Credentials of the browser's own, such as cookies, are never allowed: the API knows only tokens,
/// which a page has to send itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CorsOrigins {
    /// None.
    #[default]
    None,
    /// Any.
    Any,
    /// These, exactly as browsers write them.
    These(Vec<String>),
}

impl FromStr for CorsOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origins: Vec<_> = text.split(',').map(str::trim).collect();
        match origins[..] {
            ["*"] => Ok(Self::Any),
            _ if origins.iter().all(|origin| is_origin(origin)) => Ok(Self::These(
                origins.into_iter().map(str::to_owned).collect(),
            )),
            _ => Err(
                "use origins as browsers write them, separated by commas, like \
                 https://app.example,http://localhost:3000 (lower case, no path, no `/` at the \
                 end, no port where it is the usual one), or `*` alone"
                    .to_owned(),
            ),
        }
    }
}

/// Whether a browser may write an origin like that. One that no browser writes would never match,
/// and its operator would look for the reason for long.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "\n",
    };
    let is_scheme_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_host_byte =
        |byte: u8| is_scheme_byte(byte) || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| is_scheme_byte(byte) || matches!(byte, b'+' | b'-' | b'.'))
        && !host.is_empty()
        && host.bytes().all(is_host_byte)
        && !host.ends_with(usual_port)
}

impl CorsOrigins {
    /// The answer to a browser that asks beforehand, where it is such a request, its page may use
    /// the API, and the path knows `methods`.
    pub(super) fn preflight(
        &self,
        request: &Request,
        methods: impl FnOnce() -> Vec<String>,
    ) -> Option<Response> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        self.allowed(headers.get(header::ORIGIN)).filter(|_| asks)?;
        let methods = methods();
        if methods.is_empty() {
            return None;
        }
        Some(
            Response::builder()
                .status(StatusCode::NO_CONTENT)
                .header(header::ACCESS_CONTROL_ALLOW_METHODS, methods.join(", "))
                .header(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS)
                .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS)
                .finish(),
        )
    }

    /// Tells the browser whether the page of `origin` may read the answer with these headers.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if let Self::These(_) = self {
            // A cache must not show one page's permission to another.
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(allowed) = self.allowed(origin) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED_HEADERS),
            );
        }
    }

    /// What to allow a page of `origin`, if anything.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        match self {
            Self::None => None,
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::These(origins) => {
                let is_listed = origins.iter().any(|listed| listed == origin);
                is_listed.then(|| origin.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_may_write_is_an_origin() {
        let read = |text: &str| text.parse::<CorsOrigins>();
        assert_eq!(read("*"), Ok(CorsOrigins::Any));
        let two = "https://app.example, http://localhost:3000";
        let listed = two.split(", ").map(str::to_owned).collect();
        assert_eq!(read(two), Ok(CorsOrigins::These(listed)));
        for right in [
            "capacitor://localhost",
            "http://[::1]:8080",
            "https://a.example:80",
        ] {
            assert!(read(right).is_ok(), "{right}");
        }
        for wrong in [
            "https://app.example/",
            "https://app.example,",
            "https://App.example",
            "https://app.example:443",
            "http://app.example:80",
            "https://*.example",
            "https://app.example,*",
            "https://ann@app.example",
            "app.example",
            "null",
            "https://",
            "://x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
