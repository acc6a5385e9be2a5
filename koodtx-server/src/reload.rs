//! What is read again while the server runs.

use std::fmt::{Debug, Display};
use std::sync::Arc;

/// A part of the server that reads its settings again when told to.
pub(crate) trait Reloadable: Debug + Send + Sync {
    /// The settings, for messages.
    fn what(&self) -> String;

    /// Reads them again, and changes nothing when they are wrong.
    fn reload(&self) -> Result<(), Box<dyn Display>>;
}

/// Has a server read again what may change while it runs: its certificate. The program does so on
/// SIGHUP.
///
/// Requests and connections go on as they are; what begins later begins with what was read.
#[derive(Clone, Debug, Default)]
pub struct Reload {
    parts: Vec<Arc<dyn Reloadable>>,
}

/// What could not be read again, and therefore stays as it was.
#[derive(Debug, thiserror::Error)]
#[error("{}; what there was stays in use", failures.join("; "))]
pub struct ReloadError {
    failures: Vec<String>,
}

impl Reload {
    pub(crate) fn add(&mut self, part: Arc<dyn Reloadable>) {
        self.parts.push(part);
    }

    /// Whether the server has nothing that could be read again.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Reads everything again, logs how it went, and waits for the disk while it does.
    ///
    /// # Errors
    /// When a part is wrong now. That part stays as it was; the others are renewed all the same.
    pub fn run(&self) -> Result<(), ReloadError> {
        let mut failures = Vec::new();
        for part in &self.parts {
            let what = part.what();
            match part.reload() {
                Ok(()) => tracing::info!(what, "reloaded"),
                Err(error) => {
                    tracing::error!(%error, what, "not reloaded; what there was stays in use");
                    failures.push(error.to_string());
                }
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(ReloadError { failures })
        }
    }
}
