//! A disk that is soon full: a file system of its own, in memory, of a fixed size.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::MEBIBYTE_BYTES;

/// Tells a test that runs itself once more where the disk is that was mounted for it.
const MOUNTED_VARIABLE: &str = "KOODTX_TEST_SMALL_DISK";
/// Mounts the disk as the root of a user namespace, and runs a command as somebody else again:
/// PostgreSQL refuses root.
const SCRIPT: &str = r#"
mount -t tmpfs -o "size=$1,mode=0777" tmpfs "$2" || exit 77
user=$3; group=$4; shift 4
exec unshare --user --map-user="$user" --map-group="$group" "$@"
"#;
/// Whom root becomes there: an account that every system has.
const NOBODY: u32 = 65_534;
const FILLER_STEP_BYTES: usize = 64 * 1024;

/// What a program of tests ends with where one has failed.
const FAILED: i32 = 101;

/// A disk of a test's own.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Runs `work` with a disk of that many MiB. `test` is the full name of the test that calls.
    ///
    /// Where this process may not mount anything, the test runs itself once more in a user namespace.
    pub fn with<F: Future<Output = ()>>(test: &str, mebibytes: u64, work: impl FnOnce(Self) -> F) {
        if let Some(folder) = env::var_os(MOUNTED_VARIABLE) {
            run(work(Self::at(folder.into())));
            return;
        }
        let place = TempDir::new().expect("a temporary folder");
        let bytes = mebibytes * MEBIBYTE_BYTES;
        if let Some(mount) = Mount::try_new(place.path(), bytes) {
            run(work(Self::at(mount.folder.clone())));
            return;
        }
        let (user, group) = account(place.path());
        let status = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
            .arg(bytes.to_string())
            .arg(place.path())
            .args([user.to_string(), group.to_string()])
            .arg(env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture"])
            .env(MOUNTED_VARIABLE, place.path())
            .status();
        match status.as_ref().map(std::process::ExitStatus::code) {
            Ok(Some(0)) => {}
            Ok(Some(FAILED)) => panic!("{test} failed in a user namespace, see above"),
            other => panic!(
                "this test needs a disk that is soon full and cannot mount one ({other:?}): run it \
                 as root with the capability CAP_SYS_ADMIN, or permit user namespaces and install \
                 util-linux 2.38 or newer"
            ),
        }
    }

    fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Fills the disk with a file of that name, up to so many MiB or until nothing more fits.
    pub fn fill(&self, name: &str, mebibytes: Option<u64>) -> Filler {
        let path = self.folder.join(name);
        let mut file = File::create(&path).expect("the disk takes another file");
        let mut left = mebibytes.map_or(u64::MAX, |mebibytes| mebibytes * MEBIBYTE_BYTES);
        let step = vec![1; FILLER_STEP_BYTES];
        while left > 0 {
            match file.write(&step) {
                Ok(written) => left = left.saturating_sub(written as u64),
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
        assert!(mebibytes.is_none() || left == 0, "the disk is too small");
        Filler { path }
    }
}

/// A file that takes room until it is removed.
pub struct Filler {
    path: PathBuf,
}

impl Filler {
    pub fn remove(self) {
        fs::remove_file(self.path).expect("the filler is there");
    }
}

/// A mounted file system, gone when dropped.
struct Mount {
    folder: PathBuf,
}

impl Mount {
    fn try_new(folder: &Path, bytes: u64) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={bytes},mode=0777"))
            .arg("tmpfs")
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        is_mounted.then(|| Self {
            folder: folder.to_path_buf(),
        })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a database that still stops has files open.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

/// Whom to be in the namespace: whoever runs the test, unless that is root.
fn account(own: &Path) -> (u32, u32) {
    let metadata = fs::metadata(own).expect("the folder is there");
    match (metadata.uid(), metadata.gid()) {
        (0, _) => (NOBODY, NOBODY),
        account => account,
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work);
}
