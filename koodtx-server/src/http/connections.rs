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
use hyper_util::server::graceful::GracefulShutdown;
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::stalled_write::StalledWrite;

/// Most connections at a time; more wait in the backlog of the listener.
const CONNECTIONS_MAX_COUNT: usize = 4_096;
/// Longest wait for the head of a request, also on a connection that is kept alive.
const HEAD_TIMEOUT_SECONDS: u64 = 60;
/// Longest wait for a client that does not take in what it asked for.
const WRITE_TIMEOUT_SECONDS: u64 = 60;
/// Pause after `accept` failed, as it does when the process is out of file descriptors.
const ACCEPT_PAUSE_MILLIS: u64 = 100;

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
    endpoint: BoxEndpoint<'static, Response>,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    let endpoint = Arc::new(endpoint);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX_COUNT));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_TIMEOUT_SECONDS));
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
        let service = {
            let endpoint = endpoint.clone();
            service_fn(move |request: hyper::Request<Incoming>| {
                let endpoint = endpoint.clone();
                async move { answer(&endpoint, request, local, remote).await }
            })
        };
        let connection = builder.serve_connection(prepare(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // A client that went away, was too slow or does not speak HTTP: no trouble here.
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    let in_flight = graceful.count();
    if timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            in_flight,
            "requests were still running at the end of the grace period"
        );
    }
    Ok(())
}

fn prepare(stream: TcpStream) -> TokioIo<StalledWrite<TcpStream>> {
    // Without it small answers may wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    TokioIo::new(StalledWrite::new(
        stream,
        Duration::from_secs(WRITE_TIMEOUT_SECONDS),
    ))
}

async fn answer<B>(
    endpoint: &BoxEndpoint<'static, Response>,
    request: hyper::Request<Incoming>,
    local: SocketAddr,
    remote: SocketAddr,
) -> Result<hyper::Response<B>, Infallible>
where
    hyper::Response<B>: From<Response>,
{
    let (local, remote) = (
        LocalAddr(Addr::SocketAddr(local)),
        RemoteAddr(Addr::SocketAddr(remote)),
    );
    let request = Request::from((request, local, remote, Scheme::HTTP));
    Ok(endpoint.get_response(request).await.into())
}
