//! The file: a header, then one JSON line a write, each synced before anything of it is seen.

use std::fs::{File, OpenOptions, TryLockError, create_dir_all};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use koodtx_core::store::{StoreError, StoreErrorKind};

use super::command::Line;

const FILE_NAME: &str = "journal.jsonl";
/// The first line. A later form of the journal would begin with another one.
const HEADER: &[u8] = b"{\"koodtx_journal\":1}\n";

/// The open journal of a folder.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    len_bytes: u64,
    /// A write failed, so nobody knows how the file ends.
    is_broken: bool,
}

impl Journal {
    /// Opens or creates the journal of a folder and reads its lines.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Line>), StoreError> {
        let failed = |error: io::Error| {
            let message = format!("the journal in {}: {error}", folder.display());
            failure("open", message, error)
        };
        create_dir_all(folder).map_err(failed)?;
        let path = folder.join(FILE_NAME);
        let options = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .clone();
        let file = options.open(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::new(
                StoreErrorKind::Contention,
                "open",
                format!(
                    "another process has the journal in {} open",
                    folder.display()
                ),
            ),
            TryLockError::Error(error) => failed(error),
        })?;
        let mut journal = Self {
            file,
            len_bytes: 0,
            is_broken: false,
        };
        let lines = journal.read(folder).map_err(failed)??;
        if journal.len_bytes == 0 {
            journal.write(HEADER).map_err(failed)?;
            // The file's name must survive a power cut too.
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
        }
        Ok((journal, lines))
    }

    /// Reads all whole lines and cuts off a last one that a crash left unfinished: it was never
    /// acknowledged.
    fn read(&mut self, folder: &Path) -> io::Result<Result<Vec<Line>, StoreError>> {
        let corrupt = |number: usize, what: &dyn std::fmt::Display| {
            let message = format!(
                "line {number} of the journal in {}: {what}",
                folder.display()
            );
            Ok(Err(StoreError::corrupt("open", message)))
        };
        let mut reader = BufReader::new(&self.file);
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        for number in 1.. {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes)? == 0 || !bytes.ends_with(b"\n") {
                break;
            }
            if number == 1 {
                if bytes != HEADER {
                    return corrupt(number, &"not a journal of this version");
                }
            } else {
                match serde_json::from_slice(&bytes) {
                    Ok(line) => lines.push(line),
                    Err(error) => return corrupt(number, &error),
                }
            }
            self.len_bytes += bytes.len() as u64;
        }
        self.file.set_len(self.len_bytes)?;
        Ok(Ok(lines))
    }

    /// Appends a line and waits until it is on disk.
    pub(super) fn append(
        &mut self,
        operation: &'static str,
        line: &Line,
    ) -> Result<(), StoreError> {
        if self.is_broken {
            let message = "an earlier write failed; nothing is written until the store is reopened";
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                operation,
                message,
            ));
        }
        let mut bytes = serde_json::to_vec(line).map_err(|error| {
            StoreError::new(StoreErrorKind::Internal, operation, "no line").with_source(error)
        })?;
        bytes.push(b'\n');
        self.write(&bytes).map_err(|error| {
            self.is_broken = true;
            failure(
                operation,
                format!("writing the journal failed: {error}"),
                error,
            )
            .may_have_applied()
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.len_bytes += bytes.len() as u64;
        Ok(())
    }

    /// How long the file is.
    pub(super) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }
}

fn failure(operation: &'static str, message: String, error: io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, operation, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn line() -> Line {
        serde_json::from_str(
            r#"{"now":"2025-11-13T12:00:00Z","command":{"delete_session":
                {"user":1,"session":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac"}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn an_unfinished_last_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path()).unwrap();
        journal.append("test", &line()).unwrap();
        let whole = journal.len_bytes();
        journal.file.write_all(b"{\"now\":").unwrap();
        drop(journal);
        let (mut journal, lines) = Journal::open(folder.path()).unwrap();
        assert_eq!((lines.len(), journal.len_bytes()), (1, whole));
        journal.append("test", &line()).unwrap();
        drop(journal);
        assert_eq!(Journal::open(folder.path()).unwrap().1.len(), 2);
    }

    #[test]
    fn what_is_no_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        for (content, place) in [
            ("{\"koodtx_journal\":2}\n", "line 1"),
            ("{\"koodtx_journal\":1}\nnonsense\n", "line 2"),
        ] {
            fs::write(&file, content).unwrap();
            let error = Journal::open(folder.path()).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Corrupt);
            assert!(error.message().contains(place), "{error}");
            assert_eq!(
                fs::read_to_string(&file).unwrap(),
                content,
                "nothing was touched"
            );
        }
    }

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Contention);
        drop(first);
        Journal::open(folder.path()).unwrap();
    }
}
