//! What both forms of a push body have in common: an object with the session and the samples.

use super::gathered::Gathered;
use super::{PushBatch, PushError};
use crate::json::scanner::Scanner;
use crate::session::SessionPatch;

/// The member that holds records one by one: of a push, and of a session in the answer to a pull.
pub(crate) const RECORDS: &str = "sensor_data";
/// The member that holds them in columns.
pub(crate) const COLUMNS: &str = "columns";

/// Reads a push body; its samples stand in the member `samples`, which `read` takes from the scanner.
///
/// A body with a member `foreign` is of the other form, and refused.
pub(super) fn read_body(
    body: &[u8],
    samples: &'static str,
    foreign: Option<&'static str>,
    read: impl Fn(&mut Scanner<'_>) -> Result<Gathered, PushError>,
) -> Result<PushBatch, PushError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        PushError::malformed(format!(
            "the body is not UTF-8 (byte {})",
            error.valid_up_to()
        ))
    })?;
    let mut scanner = Scanner::new(text);
    if scanner.peek() != b'{' {
        return Err(PushError::malformed(format!(
            "the body has to be a JSON object with `session` and `{samples}`"
        )));
    }
    scanner.take(b'{');
    let (mut session, mut gathered) = (None, None);
    let mut first = true;
    while let Some(key) = scanner.next_key(&mut first)? {
        match key.decode().as_deref() {
            Ok("session") => session = Some(scanner.value()?.0),
            Ok(name) if name == samples => gathered = Some(read(&mut scanner)?),
            Ok(name) if foreign == Some(name) => {
                let problem = format!("is no part of this form: put the samples into `{samples}`");
                return Err(PushError::invalid(foreign.unwrap_or_default(), problem));
            }
            _ => drop(scanner.value()?),
        }
    }
    scanner.finish()?;
    let session = session.ok_or_else(|| PushError::missing("session"))?;
    let session = SessionPatch::from_json(session)?;
    gathered
        .ok_or_else(|| PushError::missing(samples))?
        .finish(session)
}
