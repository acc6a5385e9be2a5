//! Where a collector is.

use std::fmt;
use std::str::FromStr;

use poem::http::Uri;
use poem::http::uri::Scheme;

/// Where traces go, below the URL of a collector.
const TRACES_PATH: &str = "/v1/traces";

/// The URL of a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

impl OtlpEndpoint {
    /// Where it takes traces.
    pub fn traces_url(&self) -> String {
        format!("{}{TRACES_PATH}", self.0)
    }
}

impl FromStr for OtlpEndpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RIGHT: &str = "use the URL of a collector without a path, like http://127.0.0.1:4318, or \
                             `off`; it is spoken to without TLS";
        let url: Uri = text.parse().map_err(|_| RIGHT)?;
        let has_user = url.authority().is_some_and(|it| it.as_str().contains('@'));
        let is_bare = url.path() == "/" && url.query().is_none() && !has_user;
        if url.scheme() != Some(&Scheme::HTTP) || url.host().is_none_or(str::is_empty) || !is_bare {
            return Err(RIGHT);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_collectors_are_told_from_others() {
        for right in [
            "http://127.0.0.1:4318",
            "http://collector/",
            "http://[::1]:4318",
        ] {
            let endpoint: OtlpEndpoint = right.parse().unwrap();
            let expected = format!("{}/v1/traces", right.trim_end_matches('/'));
            assert_eq!(endpoint.traces_url(), expected);
        }
        for wrong in [
            "127.0.0.1:4318",
            "https://collector",
            "http://collector/v1/traces",
            "http://a:b@collector",
            "http://",
            "",
        ] {
            assert!(wrong.parse::<OtlpEndpoint>().is_err(), "{wrong}");
        }
    }
}
