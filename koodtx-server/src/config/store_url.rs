//! The URL of a store, whose scheme chooses the store.

use std::fmt::{self, Write as _};
use std::str::FromStr;

/// Parameters whose values say where the data are, and let nobody in.
const SHOWN_PARAMETERS: [&str; 5] = ["dbname", "host", "hostaddr", "port", "sslmode"];

/// A store URL such as `sled:./koodtx-data`. `Debug` and `Display` hide a password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    text: String,
    scheme_bytes: usize,
}

/// Why a text is no store URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a URL whose scheme is a store, like sled:./koodtx-data or memory:")]
pub struct StoreUrlError;

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        let scheme_bytes = text.find(':').ok_or(StoreUrlError)?;
        let is_scheme_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let scheme = &text[..scheme_bytes];
        if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(is_scheme_char)
        {
            Ok(Self {
                text: text.to_owned(),
                scheme_bytes,
            })
        } else {
            Err(StoreUrlError)
        }
    }
}

impl Default for StoreUrl {
    /// The embedded store in `./koodtx-data`.
    fn default() -> Self {
        let text = "sled:./koodtx-data".to_owned();
        Self {
            text,
            scheme_bytes: "sled".len(),
        }
    }
}

impl StoreUrl {
    /// The whole URL, with a password if it holds one.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What chooses the store.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme_bytes]
    }

    /// What follows the scheme and its colon, without leading `//`.
    pub fn rest(&self) -> &str {
        let rest = &self.text[self.scheme_bytes + 1..];
        rest.strip_prefix("//").unwrap_or(rest)
    }
}

impl fmt::Display for StoreUrl {
    /// Leaves out what may be a secret: all before the last `@`, and the values of parameters that
    /// are not known to be harmless.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme();
        let (place, parameters) = match self.text.split_once('?') {
            Some((place, parameters)) => (place, Some(parameters)),
            None => (self.text.as_str(), None),
        };
        if parameters.is_some_and(|parameters| parameters.contains('@')) {
            // Of a password with a question mark, or of one in a parameter: nobody knows.
            return write!(f, "{scheme}://…");
        }
        match place.rsplit_once('@') {
            Some((_, address)) => write!(f, "{scheme}://…@{address}")?,
            None => f.write_str(place)?,
        }
        let mut separator = '?';
        for parameter in parameters.into_iter().flat_map(|text| text.split('&')) {
            f.write_char(separator)?;
            match parameter.split_once('=') {
                Some((name, value)) if SHOWN_PARAMETERS.contains(&name) => {
                    write!(f, "{name}={value}")?;
                }
                _ => f.write_char('…')?,
            }
            separator = '&';
        }
        Ok(())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_comes_first_and_no_password_is_shown() {
        let url: StoreUrl = "sled:/var/lib/koodtx".parse().unwrap();
        assert_eq!((url.scheme(), url.rest()), ("sled", "/var/lib/koodtx"));
        let url: StoreUrl = "postgres://ann:s3cr3t@db:5432/koodtx".parse().unwrap();
        assert_eq!(
            (url.scheme(), url.rest()),
            ("postgres", "ann:s3cr3t@db:5432/koodtx")
        );
        assert!(!format!("{url} {url:?}").contains("s3cr3t"));
        let url: StoreUrl = "postgres:///koodtx?host=/run/postgresql&password=s3cr3t&x"
            .parse()
            .unwrap();
        assert_eq!(
            url.to_string(),
            "postgres:///koodtx?host=/run/postgresql&…&…"
        );
        for text in ["", "./koodtx-data", ":x", "1x:y", "a b:c"] {
            assert_eq!(text.parse::<StoreUrl>(), Err(StoreUrlError), "{text}");
        }
    }

    #[test]
    fn no_part_of_a_password_is_shown_however_the_url_is_written() {
        for text in [
            "postgres://ann:s3@cr3t@db/koodtx",
            "postgres://ann:s3/cr3t@db/koodtx",
            "postgres://ann:s3?cr3t@db/koodtx",
            "postgres://ann:s3#cr3t@db/koodtx",
            "postgres://ann:s3&cr3t@db/koodtx",
            "postgres://db/koodtx?user=ann&password=s3@cr3t",
            "postgres://db/koodtx?password=s3=cr3t",
            "postgres://db/koodtx?p%61ssword=s3cr3t",
            "postgres://db/koodtx?s3cr3t",
            "mine:ann:s3cr3t@db",
        ] {
            let url: StoreUrl = text.parse().unwrap();
            for shown in [url.to_string(), format!("{url:?}")] {
                assert!(
                    !shown.contains("s3") && !shown.contains("cr3t"),
                    "{text}: {shown}"
                );
            }
        }
    }
}
