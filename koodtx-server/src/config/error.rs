//! Why the settings cannot be used.

use super::setting::Setting;

/// What is wrong with the settings. Never shows a value: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting is wrong.
    #[error("{} (from {origin}): {problem}", setting.name())]
    Setting {
        /// Which.
        setting: Setting,
        /// Where its value came from.
        origin: String,
        /// What would be right.
        problem: String,
    },
    /// A file cannot be used.
    #[error("{file}: {problem}")]
    File {
        /// Which.
        file: String,
        /// Why.
        problem: String,
    },
}
