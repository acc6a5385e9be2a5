//! TLS, with a certificate that can be renewed while the server runs.

use std::fmt::{self, Display};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::certificate::{TlsError, read_files};
use crate::config::{Setting, TlsFiles};
use crate::reload::Reloadable;

/// Longest time for a handshake: a few round trips on a bad line. A client that stalls it holds its
/// place among the connections for no longer.
const HANDSHAKE_TIMEOUT_SECONDS: u64 = 10;

/// What the server speaks TLS with.
pub(crate) struct Tls {
    files: TlsFiles,
    /// As a whole, so that no handshake sees the certificate of one reading and the key of another.
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads certificate and key.
    pub(crate) fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(read_files(&files)?));
        Ok(Self { files, current })
    }

    /// Shakes hands with a client, by the certificate of this moment.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Whole whatever panicked: it is only ever replaced.
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let handshake = TlsAcceptor::from(current).accept(stream);
        timeout(Duration::from_secs(HANDSHAKE_TIMEOUT_SECONDS), handshake).await?
    }
}

impl Reloadable for Tls {
    fn what(&self) -> String {
        format!("{} and {}", Setting::TlsCert.name(), Setting::TlsKey.name())
    }

    fn reload(&self) -> Result<(), Box<dyn Display>> {
        let fresh = read_files(&self.files).map_err(|error| Box::new(error) as Box<dyn Display>)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
