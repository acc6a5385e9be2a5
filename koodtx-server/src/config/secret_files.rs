//! Secrets that stand in files of their own, as container platforms hand them out.

use std::path::Path;

use super::setting::Setting;
use super::{ConfigError, Sources};
use crate::small_file;

/// Largest file with a secret, in bytes. Whoever names a larger one has mistaken the file.
const SECRET_FILE_MAX_BYTES: u64 = 64 * 1024;

/// A value that was read from a file.
#[derive(Clone)]
pub(super) struct SecretFile {
    pub(super) text: String,
    /// Which file, and what named it.
    pub(super) origin: String,
}

/// What one source says of a setting.
struct Level<'a> {
    origin: String,
    /// What names the file there.
    file_name: String,
    value: Option<&'a String>,
    alias: Option<&'a String>,
    file: Option<&'a String>,
}

impl Sources {
    /// These sources, with the secrets read from the files that are named for them.
    ///
    /// # Errors
    /// When a source both holds a secret and names a file for it, or the file cannot be used.
    pub(super) fn with_secret_files(&self) -> Result<Self, ConfigError> {
        let mut sources = self.clone();
        for setting in Setting::ALL {
            if let Some(secret) = self.secret_file(setting)? {
                sources.secret_files.insert(setting, secret);
            }
        }
        Ok(sources)
    }

    /// The secret, where the strongest source that sets it does so by a file.
    fn secret_file(&self, setting: Setting) -> Result<Option<SecretFile>, ConfigError> {
        let Some(levels) = self.levels(setting) else {
            return Ok(None);
        };
        if self
            .flags
            .get(&setting)
            .is_some_and(|flag| !flag.is_empty())
        {
            return Ok(None);
        }
        for level in levels {
            let failed = |origin: String, problem: String| ConfigError::Setting {
                setting,
                origin,
                problem,
            };
            match (level.value, level.file) {
                (Some(_), Some(_)) => {
                    let problem = format!("{} is set there as well; use one", level.file_name);
                    return Err(failed(level.origin, problem));
                }
                (None, Some(file)) => {
                    let origin = format!(
                        "the file {file}, which {} in {} names",
                        level.file_name, level.origin
                    );
                    return match read(Path::new(file)) {
                        Ok(text) => Ok(Some(SecretFile { text, origin })),
                        Err(problem) => Err(failed(origin, problem)),
                    };
                }
                _ if level.value.or(level.alias).is_some() => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The sources that can name a file for a setting, the strongest first; none where it is no
    /// secret.
    fn levels(&self, setting: Setting) -> Option<[Level<'_>; 3]> {
        let (variable, key) = (setting.secret_file_name()?, setting.secret_file_key()?);
        let set = |value: &&String| !value.is_empty();
        let variables = [
            (&self.environment, "the environment"),
            (&self.dotenv, ".env"),
        ];
        let [environment, dotenv] = variables.map(|(variables, origin)| Level {
            origin: origin.to_owned(),
            file_name: variable.clone(),
            value: variables.get(setting.name()).filter(set),
            alias: setting
                .alias()
                .and_then(|alias| variables.get(alias))
                .filter(set),
            file: variables.get(&variable).filter(set),
        });
        let file = Level {
            origin: self.file_name.clone(),
            value: self.file.get(setting.file_key()).filter(set),
            alias: None,
            file: self.file.get(&key).filter(set),
            file_name: key,
        };
        Some([environment, dotenv, file])
    }
}

/// The text of the file, without the newline at its end.
fn read(file: &Path) -> Result<String, String> {
    let bytes = small_file::read(file, SECRET_FILE_MAX_BYTES).map_err(|error| error.to_string())?;
    // The library's message would say where in the secret the wrong byte is.
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text.to_owned())
}
