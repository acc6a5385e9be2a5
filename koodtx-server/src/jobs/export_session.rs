//! Writing a session into a file.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use koodtx_core::id::UserId;
use serde_json::{Value, json};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::analyse::one_session;
use super::context::Context;
use super::failure::TaskError;
use super::run::Arguments;
use crate::export::{ExportFormat, export};

const FORMAT_ARGUMENT: &str = "format";
/// What the names of export files begin with.
const PREFIX: &str = "session-";
/// What the name of a file ends in while it is being written.
const UNFINISHED: &str = "part";

/// Writes the session into a file of the export folder; one that is there already is replaced. Whoever
/// sees the file under its name sees all of it.
pub(super) async fn run(
    context: &Context,
    arguments: &Arguments,
    is_dry: bool,
) -> Result<Value, TaskError> {
    let (user, session) = one_session(arguments)?;
    let format: ExportFormat = arguments
        .get(FORMAT_ARGUMENT)
        .map_or("ndjson", String::as_str)
        .parse()
        .map_err(|error| TaskError::Argument(format!("`{FORMAT_ARGUMENT}`: {error}")))?;
    let folder = &context.export_folder;
    let name = format!("{PREFIX}{user}-{session}.{}", format.extension());
    let path = folder.join(&name);
    if is_dry {
        return Ok(json!({ "file": path, "dry_run": true }));
    }
    let stream = export(context.store.clone(), user, session, format).await?;
    let Some(stream) = stream else {
        let message = "there is no such session".to_owned();
        return Err(TaskError::Argument(message));
    };
    let creating = format!("creating {}", folder.display());
    fs::create_dir_all(folder)
        .await
        .map_err(TaskError::file(creating))?;
    let part = unfinished(&path);
    let writing = || format!("writing {}", part.display());
    let mut options = fs::OpenOptions::new();
    // Where somebody was, and when, is nobody else's business.
    options.write(true).create_new(true).mode(0o600);
    let mut file = options
        .open(&part)
        .await
        .map_err(TaskError::file(writing()))?;
    let mut stream = std::pin::pin!(stream);
    let mut bytes = 0_u64;
    while let Some(piece) = stream.try_next().await? {
        file.write_all(&piece)
            .await
            .map_err(TaskError::file(writing()))?;
        bytes += piece.len() as u64;
    }
    file.sync_all().await.map_err(TaskError::file(writing()))?;
    fs::rename(&part, &path)
        .await
        .map_err(TaskError::file(writing()))?;
    Ok(json!({ "file": path, "bytes": bytes }))
}

/// Where a file is written before it gets its name: not where another run writes the same one.
fn unfinished(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.{UNFINISHED}", Uuid::new_v4().simple()));
    part.into()
}

/// Whether a file is an export, or a part of one, by its name.
pub(super) fn is_export(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let endings = ExportFormat::ALL.map(ExportFormat::extension);
    let ends_right = endings
        .into_iter()
        .chain([UNFINISHED])
        .any(|ending| name.ends_with(&format!(".{ending}")));
    name.starts_with(PREFIX) && ends_right
}

/// Whether a file is an export of one user, or a part of one, by its name.
pub(super) fn is_export_of(path: &Path, user: UserId) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let begins_right = name.is_some_and(|name| name.starts_with(&format!("{PREFIX}{user}-")));
    begins_right && is_export(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_of_a_user_are_known_by_their_names() {
        for (name, expected) in [
            ("session-1-0f81a4f3.csv", true),
            ("session-1-0f81a4f3.parquet.5c7f.part", true),
            ("session-11-0f81a4f3.csv", false),
            ("session-2-1-.csv", false),
            ("session-1-notes.txt", false),
        ] {
            assert_eq!(is_export_of(Path::new(name), UserId(1)), expected, "{name}");
        }
    }

    #[test]
    fn exports_are_known_by_their_names() {
        for (name, expected) in [
            ("session-1-0f81a4f3.csv", true),
            ("session-1-0f81a4f3.parquet.5c7f.part", true),
            ("session-1.ndjson", true),
            ("session-1.txt", false),
            ("notes.csv", false),
            ("session-1", false),
            ("session-part", false),
        ] {
            assert_eq!(is_export(Path::new(name)), expected, "{name}");
        }
    }
}
