//! Where settings come from, and which source goes first.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display};
use std::path::Path;

use super::ConfigError;
use super::secret_files::SecretFile;
use super::setting::Setting;

/// The environment variable that names the TOML file; it cannot stand in that file.
pub(crate) const CONFIG_FILE_VARIABLE: &str = "KOODTX_CONFIG";

/// All sources of settings, the strongest first: flags, environment, `.env`, TOML file.
///
/// An empty value counts as not set.
#[derive(Clone, Default)]
pub struct Sources {
    pub(super) flags: BTreeMap<Setting, String>,
    pub(super) environment: HashMap<String, String>,
    pub(super) dotenv: HashMap<String, String>,
    pub(super) file: BTreeMap<String, String>,
    pub(super) file_name: String,
    /// Values that a source names the file of, once that file was read.
    pub(super) secret_files: BTreeMap<Setting, SecretFile>,
}

/// A value and where it came from.
pub(super) struct Found<'a> {
    pub(super) text: &'a str,
    pub(super) origin: String,
}

impl fmt::Debug for Sources {
    /// Shows which settings there are, never what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("flags", &self.flags.keys())
            .field("file", &self.file.keys())
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// No source at all: the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command line flag.
    #[must_use]
    pub fn flag(mut self, setting: Setting, value: Option<String>) -> Self {
        self.flags.extend(value.map(|value| (setting, value)));
        self
    }

    /// Adds the environment.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Adds a `.env` file, if it exists.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn dotenv(mut self, path: &Path) -> Result<Self, ConfigError> {
        if !path.is_file() {
            return Ok(self);
        }
        let failed = |problem: String| ConfigError::File {
            file: path.display().to_string(),
            problem,
        };
        let lines = dotenvy::from_path_iter(path).map_err(|error| failed(error.to_string()))?;
        for (number, line) in lines.enumerate() {
            // The library's message would quote the line, which may hold a secret.
            let (name, value) = line.map_err(|_| {
                failed(format!(
                    "entry {} is not of the form NAME=value",
                    number + 1
                ))
            })?;
            self.dotenv.insert(name, value);
        }
        Ok(self)
    }

    /// Adds a TOML file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or holds a key that is no setting.
    pub fn file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let failed = |problem: String| ConfigError::File {
            file: name.clone(),
            problem,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error
                .span()
                .map_or("", |span| &text[..span.start.min(text.len())]);
            failed(format!(
                "line {}: {}",
                before.matches('\n').count() + 1,
                error.message()
            ))
        })?;
        flatten("", &table, &mut self.file).map_err(failed)?;
        let known = Setting::ALL.map(Setting::file_key);
        let is_known = |key: &String| {
            known.contains(&key.as_str())
                || Setting::ALL
                    .iter()
                    .any(|setting| setting.secret_file_key().as_ref() == Some(key))
        };
        if let Some(unknown) = self.file.keys().find(|key| !is_known(key)) {
            return Err(failed(format!(
                "`{unknown}` is no setting; there are {}",
                known.join(", ")
            )));
        }
        self.file_name.clone_from(&name);
        Ok(self)
    }

    /// A variable of the environment or of `.env` that is no setting of the server itself.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let set = |text: &&String| !text.is_empty();
        let found = self.environment.get(name).filter(set);
        found.or_else(|| self.dotenv.get(name).filter(set)).cloned()
    }

    /// The value of a setting from the strongest source that has one.
    pub(super) fn find(&self, setting: Setting) -> Option<Found<'_>> {
        if let Some(secret) = self.secret_files.get(&setting) {
            return Some(Found {
                text: &secret.text,
                origin: secret.origin.clone(),
            });
        }
        let flag = self.flags.get(&setting).map(|text| Found {
            text,
            origin: "the command line".to_owned(),
        });
        let file = self.file.get(setting.file_key()).map(|text| Found {
            text,
            origin: format!("`{}` in {}", setting.file_key(), self.file_name),
        });
        flag.filter(Found::is_set)
            .or_else(|| variable(&self.environment, setting, "the environment"))
            .or_else(|| variable(&self.dotenv, setting, ".env"))
            .or(file.filter(Found::is_set))
    }

    /// Puts the value of a setting into `place`, where it is set.
    pub(super) fn read<T, E: Display>(
        &self,
        setting: Setting,
        place: &mut T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<(), ConfigError> {
        if let Some(found) = self.find(setting) {
            *place = parse(found.text).map_err(|problem| found.error(setting, problem))?;
        }
        Ok(())
    }
}

impl Found<'_> {
    fn is_set(&self) -> bool {
        !self.text.is_empty()
    }

    pub(super) fn error(&self, setting: Setting, problem: impl Display) -> ConfigError {
        ConfigError::Setting {
            setting,
            origin: self.origin.clone(),
            problem: problem.to_string(),
        }
    }
}

fn variable<'a>(
    variables: &'a HashMap<String, String>,
    setting: Setting,
    origin: &str,
) -> Option<Found<'a>> {
    let by_name = variables.get(setting.name()).map(|text| Found {
        text,
        origin: origin.to_owned(),
    });
    by_name.filter(Found::is_set).or_else(|| {
        let alias = setting.alias()?;
        let origin = format!("{origin}, as {alias}");
        let found = Found {
            text: variables.get(alias)?,
            origin,
        };
        Some(found).filter(Found::is_set)
    })
}

/// Turns nested tables into dotted keys with their values as text.
fn flatten(
    prefix: &str,
    table: &toml::Table,
    into: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(&format!("{key}."), inner, into)?;
                continue;
            }
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => {
                return Err(format!(
                    "`{key}` has to be a text, a whole number, true or false"
                ));
            }
        };
        into.insert(key, text);
    }
    Ok(())
}
