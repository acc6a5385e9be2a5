//! `koodtx-server serve`

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use super::{CliError, migrate};
use crate::api::SERVICE_VERSION;
use crate::config::Config;
use crate::reload::Reload;
use crate::server::Server;
use crate::stores::{Residence, StoreRegistry};

pub(super) async fn run(
    config: Config,
    stores: StoreRegistry,
    migrate_first: bool,
) -> Result<ExitCode, CliError> {
    let failed = |what: String| move |source| CliError::Io { what, source };
    // Before the server says that it is there, so that no signal is missed.
    let stop = stop_signal().map_err(failed("signals cannot be handled".to_owned()))?;
    let (url, listen) = (config.store.clone(), config.listen);
    let residence = stores.residence(&url);
    let is_tls = config.http.tls.is_some();
    if migrate_first {
        migrate::bring_up_to_date(&config, &stores).await?;
    }
    let server = Server::builder()
        .config(config)
        .stores(stores)
        .build()
        .await?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(failed(format!("cannot listen on {listen} (KOODTX_LISTEN)")))?;
    let address = listener
        .local_addr()
        .map_err(failed("the listener has no address".to_owned()))?;
    let scheme = if is_tls { "https" } else { "http" };
    reload_on_signal(server.reload()).map_err(failed("signals cannot be handled".to_owned()))?;
    announce(
        &format!("{scheme}://{address}"),
        server.metrics_address(),
        &url.to_string(),
        residence,
    );
    server
        .run(listener, stop)
        .await
        .map_err(failed("serving failed".to_owned()))?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Prints where everything is, on standard output; the log goes to standard error.
fn announce(address: &str, metrics: Option<SocketAddr>, store: &str, residence: Option<Residence>) {
    let data = match residence {
        Some(Residence::Process) => format!("{store} (gone when the server stops)"),
        Some(Residence::Folder(folder)) => {
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            format!("{} ({store})", folder.display())
        }
        _ => store.to_owned(),
    };
    let metrics = metrics.map_or_else(String::new, |address| {
        format!("  metrics  http://{address}/metrics\n")
    });
    let text = format!(
        "koodtx-server {SERVICE_VERSION}\n  API   {address}\n  docs  {address}/docs\n\
         {metrics}  data  {data}\n"
    );
    // Nobody has to read it for the server to serve.
    if let Err(error) = std::io::stdout().write_all(text.as_bytes()) {
        tracing::debug!(%error, "standard output is closed");
    }
}

/// Resolves at the first SIGTERM or SIGINT.
#[cfg(unix)]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, finishing what is in flight");
    })
}

/// Resolves at the first Ctrl-C.
#[cfg(not(unix))]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be handled");
        }
        tracing::info!("stopping: no new connections, finishing what is in flight");
    })
}

/// Reads again what can be at each SIGHUP. Where nothing can be, that signal keeps its usual
/// meaning: the terminal is gone, and so is the server.
#[cfg(unix)]
fn reload_on_signal(reload: Reload) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    if reload.is_empty() {
        return Ok(());
    }
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let reload = reload.clone();
            // It logs by itself how it went.
            let reloaded = tokio::task::spawn_blocking(move || reload.run());
            if let Err(error) = reloaded.await {
                tracing::error!(%error, "reloading failed");
            }
        }
    });
    Ok(())
}

/// There is no such signal.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
fn reload_on_signal(_: Reload) -> std::io::Result<()> {
    Ok(())
}
