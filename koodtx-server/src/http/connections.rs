//! Accepting connections, and letting them finish at the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::refusals::Refusals;
use super::stalled_write::StalledWrite;
use super::tls::Tls;
use crate::auth::network;
use crate::metrics::ConnectionMeters;

/// Longest head of a request, in bytes, with all its headers: a token takes up to 4 KiB of it.
const HEAD_MAX_BYTES: usize = 32 * 1024;
/// Most that is buffered of a connection in each direction. Bodies are copied on from there at once, so more
/// would only leave the cache.
const BUFFER_MAX_BYTES: usize = 128 * 1024;
/// Pause after `accept` failed, as it does when the process is out of file descriptors.
const ACCEPT_PAUSE_MILLIS: u64 = 100;

/// Limits on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Most connections at a time; more wait in the backlog of the listener.
    pub max_count: usize,
    /// Most connections of one address at a time; more are refused. `None`: any number.
    pub address_max_count: Option<usize>,
    /// Longest wait for the head of a request, also on a connection that is kept alive.
    pub head_timeout: Duration,
    /// Longest wait for a client that does not take in what it asked for.
    pub write_timeout: Duration,
}

/// Serves connections until `shutdown` resolves; then accepts no more and waits up to `grace` for
/// those in flight.
///
/// poem's own accept loop spins when `accept` fails and waits for a request's head for ever. Speaks
/// HTTP/1.1 only: HTTP/2 without TLS is for proxies, and proxies speak both.
///
/// # Errors
/// Only that of asking the listener for its address.
pub(crate) async fn serve_connections(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    endpoint: BoxEndpoint<'static, Response>,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
    limits: ConnectionLimits,
    meters: &ConnectionMeters,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    let is_plain = tls.is_none();
    let server = Arc::new(ConnectionServer::new(local, tls, endpoint, limits));
    let room = Arc::new(Semaphore::new(limits.max_count.min(Semaphore::MAX_PERMITS)));
    let (by_address, refusals) = (Counts::default(), Refusals::default());
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = async {
            // The semaphore is never closed, so there always is a permit in the end.
            let permit = room.clone().acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(ACCEPT_PAUSE_MILLIS)).await;
                continue;
            }
        };
        let max = limits.address_max_count.unwrap_or(usize::MAX);
        let Some(of_address) = by_address.enter(network(remote.ip()), max) else {
            meters.refused.inc();
            // There is nothing to say before a handshake, and a handshake is work.
            if is_plain {
                refusals.explain(stream, max);
            }
            continue;
        };
        let (server, watcher) = (server.clone(), graceful.watcher());
        let open = meters.open.enter();
        tokio::spawn(async move {
            server.serve(stream, remote, watcher).await;
            drop((permit, of_address, open));
        });
    }
    drop(listener);
    server.stopping.cancel();
    let in_flight = graceful.count();
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            in_flight,
            "requests were still running at the end of the grace period"
        );
    }
    Ok(())
}

/// What all connections share.
struct ConnectionServer {
    local: SocketAddr,
    tls: Option<Arc<Tls>>,
    endpoint: BoxEndpoint<'static, Response>,
    builder: http1::Builder,
    write_timeout: Duration,
    /// Ends handshakes: who shakes hands has not asked for anything yet.
    stopping: CancellationToken,
}

impl ConnectionServer {
    fn new(
        local: SocketAddr,
        tls: Option<Arc<Tls>>,
        endpoint: BoxEndpoint<'static, Response>,
        limits: ConnectionLimits,
    ) -> Self {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .max_header_size(HEAD_MAX_BYTES)
            .max_buf_size(BUFFER_MAX_BYTES);
        Self {
            local,
            tls,
            endpoint,
            builder,
            write_timeout: limits.write_timeout,
            stopping: CancellationToken::new(),
        }
    }

    /// Serves one connection to its end.
    async fn serve(&self, stream: TcpStream, remote: SocketAddr, watcher: Watcher) {
        let stream = self.prepare(stream);
        let Some(tls) = &self.tls else {
            return self.converse(stream, Scheme::HTTP, remote, watcher).await;
        };
        let shaken = tokio::select! {
            () = self.stopping.cancelled() => return,
            shaken = tls.accept(stream) => shaken,
        };
        match shaken {
            Ok(stream) => self.converse(stream, Scheme::HTTPS, remote, watcher).await,
            // A client that does not speak TLS, or does not trust the certificate, or is too slow.
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    /// Answers the requests of one connection.
    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        scheme: Scheme,
        remote: SocketAddr,
        watcher: Watcher,
    ) {
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let (local, remote) = (
                LocalAddr(Addr::SocketAddr(self.local)),
                RemoteAddr(Addr::SocketAddr(remote)),
            );
            let request = Request::from((request, local, remote, scheme.clone()));
            async {
                let response = self.endpoint.get_response(request).await;
                Ok::<hyper::Response<_>, Infallible>(response.into())
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            // A client that went away, was too slow or does not speak HTTP: no trouble here.
            tracing::debug!(%error, "a connection ended early");
        }
    }

    fn prepare(&self, stream: TcpStream) -> StalledWrite<TcpStream> {
        // Without it small answers may wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        StalledWrite::new(stream, self.write_timeout)
    }
}
