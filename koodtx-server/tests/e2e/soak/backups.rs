//! Backups, and what comes back from them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::Folder;

const PAUSE: Duration = Duration::from_secs(3);

/// Makes one after the other beside the server for that long; returns the last one, and how many there
/// were.
pub async fn back_up_meanwhile(
    folder: Arc<Folder>,
    name: String,
    end: Instant,
) -> (PathBuf, usize) {
    let mut count = 0;
    loop {
        let file = back_up(folder.clone(), format!("{name}-{count}")).await;
        count += 1;
        if Instant::now() + PAUSE >= end {
            return (file, count);
        }
        std::fs::remove_file(file).expect("it was just made");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes one of that name.
pub async fn back_up(folder: Arc<Folder>, name: String) -> PathBuf {
    let file = folder.path().join(format!("{name}.koodtx"));
    let made = file.clone();
    run(move || succeed(&folder, &["backup", text(&made)])).await;
    file
}

/// Restores one into an empty embedded store, which is then verified; returns it, and how many records
/// it holds.
pub async fn restore(file: PathBuf) -> (Folder, u64) {
    run(move || {
        let folder = Folder::new();
        succeed(&folder, &["restore", text(&file)]);
        let records = folder.verify();
        (folder, records)
    })
    .await
}

/// Runs a command of the binary, and fails unless it succeeds; returns what it printed.
pub fn succeed(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let is_ok = output.status.success();
    assert!(is_ok, "{arguments:?} failed:\n{shown}{complaint}");
    shown
}

/// Waits for programs without holding the devices up.
async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("the programs succeed")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have simple names")
}
