//! Who may make an account.

use std::str::FromStr;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Everybody who reaches the server.
    #[default]
    Open,
    /// Its operator, by `koodtx-server user create`.
    Closed,
}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("use `open` or `closed`"),
        }
    }
}
