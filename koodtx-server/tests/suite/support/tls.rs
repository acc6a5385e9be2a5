use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::server::TestServer;

/// A self-signed certificate for `localhost` and its key.
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: String,
    der: CertificateDer<'static>,
}

impl Identity {
    pub fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            cert_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
            der: made.cert.der().clone(),
        }
    }

    /// Writes both into the folder, over what is there.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        std::fs::write(&cert, &self.cert_pem).unwrap();
        std::fs::write(&key, &self.key_pem).unwrap();
        (cert, key)
    }
}

/// A server with that certificate, in files of the folder.
pub async fn start_tls(identity: &Identity, folder: &Path) -> TestServer {
    let (cert, key) = identity.write(folder);
    TestServer::with(&[
        ("KOODTX_TLS_CERT", cert.to_str().unwrap()),
        ("KOODTX_TLS_KEY", key.to_str().unwrap()),
    ])
    .await
}

/// A client that trusts one certificate.
pub struct TlsClient(ClientConfig);

impl TlsClient {
    pub fn trusting(identity: &Identity) -> Self {
        Self::speaking(identity, ALL_VERSIONS)
    }

    pub fn speaking(identity: &Identity, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(identity.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(config)
    }

    /// Offers these protocols.
    pub fn offering(mut self, protocols: &[&[u8]]) -> Self {
        self.0.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self
    }

    pub async fn connect(&self, address: SocketAddr) -> io::Result<TlsConnection> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(self.0.clone()));
        Ok(TlsConnection(connector.connect(name, stream).await?))
    }
}

/// A connection that is kept alive.
pub struct TlsConnection(pub TlsStream<TcpStream>);

impl TlsConnection {
    /// The head and the body of the answer to a GET.
    pub async fn get(&mut self, path: &str) -> (String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}
