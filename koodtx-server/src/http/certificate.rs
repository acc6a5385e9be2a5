//! From PEM files to what rustls needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig};

use crate::config::{Setting, TlsFiles};
use crate::small_file;

/// Largest file with certificates or a key, in bytes. A long chain has some 10 KiB.
const PEM_FILE_MAX_BYTES: u64 = 1024 * 1024;
/// What connections speak; a client that speaks only something else is told so in the handshake.
const PROTOCOL: &[u8] = b"http/1.1";

/// Why the server cannot speak TLS. For operators.
#[derive(Debug, thiserror::Error)]
#[error("{} ({}): {problem}", setting.name(), file.display())]
pub struct TlsError {
    setting: Setting,
    file: PathBuf,
    problem: String,
}

impl TlsError {
    /// Something is wrong with a certificate.
    pub(crate) fn of_certificate(file: &Path, problem: String) -> Self {
        failure(Setting::TlsCert, file)(problem)
    }
}

/// Reads the certificate with those that lead to its root.
pub(crate) fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let of_cert = failure(Setting::TlsCert, file);
    let pem =
        small_file::read(file, PEM_FILE_MAX_BYTES).map_err(|error| of_cert(error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| of_cert(pem_problem(&error, "CERTIFICATE")))?;
    if chain.is_empty() {
        return Err(of_cert(pem_problem(
            &pem::Error::NoItemsFound,
            "CERTIFICATE",
        )));
    }
    Ok(chain)
}

/// Reads both files and checks that they belong together.
pub(super) fn read_files(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let of_cert = failure(Setting::TlsCert, &files.cert);
    let of_key = failure(Setting::TlsKey, &files.key);

    let chain = read_chain(&files.cert)?;
    let pem = small_file::read(&files.key, PEM_FILE_MAX_BYTES)
        .map_err(|error| of_key(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| of_key(pem_problem(&error, "PRIVATE KEY")))?;

    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| of_cert(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => of_key(format!(
                "the key is not that of the certificate in {} ({})",
                files.cert.display(),
                Setting::TlsCert.name()
            )),
            Error::InvalidCertificate(_) => of_cert(error.to_string()),
            // Nothing of a key is ever shown.
            _ => of_key("the key is of no kind that this server can sign with".to_owned()),
        })?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(config)
}

fn failure(setting: Setting, file: &Path) -> impl Fn(String) -> TlsError {
    move |problem| TlsError {
        setting,
        file: file.to_owned(),
        problem,
    }
}

/// Says what is wrong without a word of what stands in the file.
fn pem_problem(error: &pem::Error, wanted: &str) -> String {
    match error {
        pem::Error::NoItemsFound => {
            format!("there is no `-----BEGIN … {wanted}-----` in the file, which has to be PEM")
        }
        _ => "the file is not right PEM; it may be cut short".to_owned(),
    }
}
