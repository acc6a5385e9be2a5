//! `koodtx-server backup` and `koodtx-server restore`

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use koodtx_core::time::Timestamp;

use super::progress::Progress;
use super::{CliError, open_any_store, open_store, require_data};
use crate::archive::{ArchiveHeader, BackupError, Totals, back_up, check, restore};
use crate::config::Config;
use crate::stores::StoreRegistry;

/// What the name of a backup ends with until it is whole.
const UNFINISHED_SUFFIX: &str = ".unfinished";

pub(super) async fn backup(
    file: &Path,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    require_data(config, stores)?;
    if file.exists() {
        let message = format!("{} exists already; choose another name", file.display());
        return Err(CliError::Failed(message));
    }
    let store = open_store(config, stores).await?;
    let records = store.usage().await?.records;
    let header = ArchiveHeader {
        id: uuid::Uuid::new_v4(),
        created_at: Timestamp::now(),
        store: store.info().kind.to_owned(),
    };
    let unfinished = Unfinished::create(file)?;
    let progress = Progress::new("backing up", records);
    let out = BufWriter::new(&unfinished.file);
    let written = back_up(&*store, &header, out, |totals| progress.reach(totals)).await;
    let (out, totals) = written.map_err(|error| failed("backup", file, error))?;
    drop(progress);
    let flushed = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    flushed.map_err(|source| CliError::Io {
        what: unfinished.path.display().to_string(),
        source,
    })?;
    unfinished.finish(file)?;
    say!("{}: backed up {}", file.display(), summary(&totals));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore_file(
    file: &Path,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let unreadable = |source| CliError::Io {
        what: file.display().to_string(),
        source,
    };
    let mut input = File::open(file).map_err(unreadable)?;
    // Everything is checked before anything is changed.
    let (header, totals) =
        check(BufReader::new(&input)).map_err(|error| failed("restore", file, error.into()))?;
    input.rewind().map_err(unreadable)?;
    say!(
        "{}: whole, made of a {} store at {}: {}",
        file.display(),
        header.store,
        header.created_at,
        summary(&totals)
    );
    let store = open_any_store(config, stores).await?;
    let progress = Progress::new("restoring", totals.records);
    let restored = restore(&*store, BufReader::new(&input), |totals| {
        progress.reach(totals);
    })
    .await;
    restored.map_err(|error| failed("restore", file, error))?;
    drop(progress);
    say!("{}: restored", config.store);
    Ok(ExitCode::SUCCESS)
}

fn failed(what: &str, file: &Path, error: BackupError) -> CliError {
    match error {
        BackupError::Archive(error) => {
            CliError::Failed(format!("{what} {}: {error}", file.display()))
        }
        BackupError::Store(error) => CliError::Failed(format!(
            "{what} {}: the store failed: {}",
            file.display(),
            error.message()
        )),
    }
}

fn summary(totals: &Totals) -> String {
    format!(
        "{} accounts, {} sign-ins, {} sessions, {} records, {} log entries",
        totals.accounts, totals.sign_ins, totals.sessions, totals.records, totals.log_entries
    )
}

/// A file that gets its name when it is whole and on disk, and goes away otherwise.
struct Unfinished {
    path: PathBuf,
    file: File,
    is_whole: bool,
}

impl Unfinished {
    fn create(target: &Path) -> Result<Self, CliError> {
        let mut name = target.as_os_str().to_owned();
        name.push(UNFINISHED_SUFFIX);
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It holds hashes of passwords and tokens.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path);
        let file = opened.map_err(|source| CliError::Io {
            what: path.display().to_string(),
            source,
        })?;
        Ok(Self {
            path,
            file,
            is_whole: false,
        })
    }

    fn finish(mut self, target: &Path) -> Result<(), CliError> {
        let finished = || {
            self.file.sync_all()?;
            std::fs::rename(&self.path, target)?;
            // The name has to survive a power cut too.
            let folder = target
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        finished().map_err(|source| CliError::Io {
            what: target.display().to_string(),
            source,
        })?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_whole {
            // Where it cannot be removed, its name says what it is.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
