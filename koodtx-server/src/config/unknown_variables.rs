//! Variables that look like settings and are none.

use super::setting::Setting;
use super::sources::{CONFIG_FILE_VARIABLE, Sources};

/// What the server's own variables begin with.
const VARIABLE_PREFIX: &str = "KOODTX_";

impl Sources {
    /// A warning for each variable that looks like a setting and is none, such as a misspelt one.
    pub(super) fn unknown_variables(&self) -> Vec<String> {
        let places = [
            (&self.environment, "the environment"),
            (&self.dotenv, ".env"),
        ];
        let mut warnings = Vec::new();
        for (variables, origin) in places {
            let unknown = variables
                .keys()
                .filter(|name| name.starts_with(VARIABLE_PREFIX) && !is_known(name));
            warnings.extend(
                unknown
                    .map(|name| format!("{name} (from {origin}) is no setting: it has no effect")),
            );
        }
        warnings.sort();
        warnings
    }
}

fn is_known(name: &str) -> bool {
    name == CONFIG_FILE_VARIABLE
        || Setting::ALL.iter().any(|setting| {
            name == setting.name() || setting.secret_file_name().as_deref() == Some(name)
        })
}
