//! Asking a server that runs.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::CliError;
use super::pinned::PinnedTls;
use crate::config::{Config, Setting};
use crate::start_error::StartError;

/// Longest wait for an answer: longer than the server waits for its store.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// Far more than any of these answers has.
const ANSWER_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a server answered.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Reply {
    /// Its body, where it is JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// Where a server is, and how to talk to it.
pub(super) struct Place {
    /// `host:port`.
    address: String,
    /// Present where it speaks TLS.
    tls: Option<PinnedTls>,
}

impl Place {
    /// The server at that URL; without one, the server that has these settings.
    ///
    /// # Errors
    /// Where the URL is none of a server, or the certificate of the settings cannot be read.
    pub(super) fn of(url: Option<&str>, config: &Config) -> Result<Self, CliError> {
        let cert = config.http.tls.as_ref().map(|files| &files.cert);
        let (address, is_tls) = match url {
            Some(url) => address_of(url)?,
            None => (reachable(config.listen).to_string(), cert.is_some()),
        };
        let tls = match cert {
            _ if !is_tls => None,
            Some(cert) => Some(PinnedTls::of(cert).map_err(StartError::from)?),
            None => {
                return Err(CliError::Failed(format!(
                    "{address} can be asked by TLS only with the server's own settings: {} says which \
                     certificate to trust",
                    Setting::TlsCert.name()
                )));
            }
        };
        Ok(Self { address, tls })
    }

    /// That of the listener of metrics.
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self {
            address: reachable(address).to_string(),
            tls: None,
        }
    }

    /// Asks for what is at `path`.
    ///
    /// By HTTP/1.0, where the end of the connection is the end of the answer: that takes no library.
    pub(super) async fn get(&self, path: &str) -> io::Result<Reply> {
        let asking = async {
            let stream = TcpStream::connect(&self.address).await?;
            match &self.tls {
                None => self.ask(stream, path).await,
                Some(tls) => {
                    let stream = tls.connect(stream).await.map_err(|error| {
                        let message = format!(
                            "TLS failed ({error}): it has to show the certificate that {} names; one \
                             that was renewed is shown from the next SIGHUP on",
                            Setting::TlsCert.name()
                        );
                        io::Error::new(io::ErrorKind::InvalidData, message)
                    })?;
                    self.ask(stream, path).await
                }
            }
        };
        timeout(ANSWER_TIMEOUT, asking)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn ask(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        path: &str,
    ) -> io::Result<Reply> {
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut stream = stream.take(ANSWER_MAX_BYTES);
        match stream.read_to_end(&mut answer).await {
            // Not every server says goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => drop(read?),
        }
        parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| {
            let message = match self.tls {
                None => "what answers does not speak plain HTTP",
                Some(_) => "what answers does not speak HTTP",
            };
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address)
    }
}

fn parse(answer: &str) -> Option<Reply> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let line = head.strip_prefix("HTTP/1.")?;
    let status = line.split(' ').nth(1)?.get(..3)?.parse().ok()?;
    let body = body.to_owned();
    Some(Reply { status, body })
}

/// `host:port` of a URL of a server, and whether that speaks TLS.
fn address_of(url: &str) -> Result<(String, bool), CliError> {
    let wrong = |why: &str| CliError::Failed(format!("--url {url}: {why}"));
    let (place, is_tls) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(place), _) => (place, false),
        (_, Some(place)) => (place, true),
        _ => {
            return Err(wrong(
                "use a URL like http://127.0.0.1:5000; other schemes are not spoken here",
            ));
        }
    };
    let place = place.trim_end_matches('/');
    if place.is_empty() || place.contains(['/', '?', '#', '@']) {
        return Err(wrong("use a host and a port only"));
    }
    let has_port = place
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let default_port = if is_tls { 443 } else { 80 };
    let address = if has_port {
        place.to_owned()
    } else {
        format!("{place}:{default_port}")
    };
    Ok((address, is_tls))
}

/// Where to reach who listens there: nobody is at the address that stands for all of them.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_addresses_are_understood() {
        let place = |url: &str| address_of(url).ok();
        for (url, address, is_tls) in [
            ("http://db.example/", "db.example:80", false),
            ("http://[::1]:5000", "[::1]:5000", false),
            ("https://db.example", "db.example:443", true),
            ("https://[::1]:5000/", "[::1]:5000", true),
        ] {
            assert_eq!(place(url), Some((address.to_owned(), is_tls)));
        }
        for url in [
            "ftp://x",
            "x:5000",
            "https://",
            "http://",
            "http://a@b",
            "http://x/y",
        ] {
            assert_eq!(place(url), None, "{url}");
        }
        let all = "0.0.0.0:5000".parse().unwrap();
        assert_eq!(reachable(all).to_string(), "127.0.0.1:5000");
    }

    #[test]
    fn answers_are_told_from_anything_else() {
        let status = |text: &str| parse(text).map(|reply| reply.status);
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\n{}"), Some(200));
        assert_eq!(status("HTTP/1.1 503\r\n\r\n"), Some(503));
        for wrong in ["SSH-2.0 200\r\n\r\n", "HTTP/1.1 200 OK", ""] {
            assert_eq!(status(wrong), None, "{wrong}");
        }
    }
}
