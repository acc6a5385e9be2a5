//! The way to a collector.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use poem::http::{HeaderValue, Uri, header};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Longest wait for a collector to take a batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read; it says a word or two.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
const HTTP_PORT: u16 = 80;

/// Sends batches, one connection each.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    /// Batches are made on a thread that has none.
    runtime: Handle,
    /// Whether the log says already that it cannot be reached.
    is_away: Arc<AtomicBool>,
}

impl Collector {
    /// By the runtime of the caller.
    pub(super) fn of_runtime() -> Self {
        Self {
            runtime: Handle::current(),
            is_away: Arc::default(),
        }
    }

    /// Says when the collector goes away and comes back, not with each batch.
    fn note(&self, failure: Option<String>) {
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) if !was_away => {
                tracing::warn!(
                    failure,
                    "the collector takes no traces; they are lost until it does"
                );
            }
            None if was_away => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The clock is the runtime's, too.
        let sending = async { timeout(SEND_TIMEOUT, send(request)).await };
        let sending = self.runtime.spawn(sending);
        let sent = match sending.await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            Err(error) => Err(error.into()),
        };
        self.note(match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        });
        sent
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let nowhere = || io::Error::new(io::ErrorKind::InvalidInput, "the URL names no host");
    let authority = request.uri().authority().ok_or_else(nowhere)?;
    let address = (authority.host(), authority.port_u16().unwrap_or(HTTP_PORT));
    let stream = TcpStream::connect(format!("{}:{}", address.0, address.1)).await?;
    let host = HeaderValue::from_str(authority.as_str())?;
    request.headers_mut().insert(header::HOST, host);
    // Of the whole URL a server is told the path alone.
    *request.uri_mut() = request.uri().path().parse::<Uri>()?;

    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let answer = sender.send_request(request.map(Full::new)).await?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
