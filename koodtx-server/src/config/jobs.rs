//! The setting of background jobs, which this version does not have.

use super::setting::Setting;
use super::{ConfigError, Sources};

/// Checks the setting; a value that asks for jobs is not passed over in silence.
pub(super) fn check(sources: &Sources) -> Result<Option<String>, ConfigError> {
    const NONE_YET: &str = "background jobs are not part of this version";
    let Some(found) = sources.find(Setting::Jobs) else {
        return Ok(None);
    };
    let name = Setting::Jobs.name();
    match found.text {
        "off" => Ok(None),
        "memory" => Ok(Some(format!(
            "{name} is `memory`, but {NONE_YET}: none will run"
        ))),
        // Set for other programs too, so no reason not to start.
        _ if found.by_alias => Ok(Some(format!(
            "{name} (from {}) has no effect: {NONE_YET}",
            found.origin
        ))),
        text if text.starts_with("redis://") => {
            Err(found.error(Setting::Jobs, format!("{NONE_YET}; use `off`")))
        }
        _ => Err(found.error(Setting::Jobs, format!("use `off`; {NONE_YET}"))),
    }
}
