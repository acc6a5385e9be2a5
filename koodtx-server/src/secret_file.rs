//! The signing secret that the server makes for itself and keeps beside the data.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::auth::SigningSecret;

/// Name of the file in the data folder.
pub const SECRET_FILE_NAME: &str = "jwt-secret";

/// Reads the secret of a data folder, or makes one on the first start: readable by the server's
/// user only, and on disk before it is used.
///
/// # Errors
/// When the file cannot be read or written, or holds no secret.
pub fn secret_of_folder(folder: &Path) -> io::Result<SigningSecret> {
    let path = folder.join(SECRET_FILE_NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &path)?,
        Err(error) => return Err(error),
    };
    SigningSecret::new(text.trim().as_bytes()).map_err(io::Error::other)
}

fn create(folder: &Path, path: &Path) -> io::Result<String> {
    let secret = SigningSecret::generate();
    // Under another name first: a file that is cut short by a crash would refuse the next start.
    let fresh = folder.join(format!("{SECRET_FILE_NAME}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        secret_of_folder(folder.path()).unwrap();
        let path = folder.path().join(SECRET_FILE_NAME);
        let first = fs::read_to_string(&path).unwrap();
        secret_of_folder(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(&path).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "short").unwrap();
        assert!(secret_of_folder(folder.path()).is_err());
    }
}
