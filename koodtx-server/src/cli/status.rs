//! `koodtx-server status`

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use koodtx_core::store::{Store, Usage};

use super::server_client::Place;
use super::{CliError, open_store, require_data};
use crate::api::SERVICE_NAME;
use crate::config::{Config, Setting};
use crate::stores::{Residence, StoreRegistry};

const BYTES_PER_MEBIBYTE: f64 = 1024.0 * 1024.0;
const HTTP_OK: u16 = 200;

pub(super) async fn run(
    url: Option<&str>,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let place = Place::of(url, config)?;
    match of_server(&place, config).await {
        Ok(code) => Ok(code),
        Err(error) if url.is_some() => Err(CliError::Io {
            what: format!("the server at {place} (--url) does not answer"),
            source: error,
        }),
        // Nobody listens there. Anything else is a server, though one that does not do well.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            of_store(&place, config, stores).await
        }
        Err(source) => Err(CliError::Io {
            what: format!(
                "what listens at {place} ({}) does not answer as a server does",
                Setting::Listen.name()
            ),
            source,
        }),
    }
}

/// Asks a running server.
async fn of_server(place: &Place, config: &Config) -> io::Result<ExitCode> {
    let health = place.get("/health").await?.json();
    // An answer stands at the top, what an error says of the server in its details.
    let told = |pointer: &str| {
        let found = health
            .pointer(pointer)
            .or_else(|| health.pointer(&format!("/details{pointer}")));
        found.and_then(|value| value.as_str()).unwrap_or("unknown")
    };
    if told("/service") != SERVICE_NAME {
        let message = "it is another program";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let ready = place.get("/ready").await?;
    let is_ready = ready.status == HTTP_OK;
    say!("asked the running server at {place}");
    say!("  version   {}", told("/version"));
    say!(
        "  store     {}, {}",
        told("/store/kind"),
        told("/store/status")
    );
    match ready.json() {
        _ if is_ready => say!("  ready     yes"),
        why => say!(
            "  ready     no: {} ({})",
            why["error"].as_str().unwrap_or("it does not say why"),
            why["code"].as_str().unwrap_or("no code"),
        ),
    }
    match config.observe.metrics_listen.map(Place::plain) {
        None => say!(
            "  uptime    unknown: {} is off",
            Setting::MetricsListen.name()
        ),
        Some(place) => measured(&place).await,
    }
    Ok(if is_ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Shows what the metrics of the server say.
async fn measured(place: &Place) {
    let text = match place.get("/metrics").await {
        Ok(reply) => reply.body,
        Err(error) => {
            let name = Setting::MetricsListen.name();
            say!("  uptime    unknown: nothing at {place}/metrics ({name}): {error}");
            return;
        }
    };
    let number = |name: &str| {
        let lines = text.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        values.next()?.parse::<f64>().ok()
    };
    if let Some(seconds) = number("koodtx_uptime_seconds") {
        say!("  uptime    {}", readable(seconds));
    }
    let count = |name| number(name).map_or(0, |value| value as u64);
    // 0 before the store was added up for the first time.
    if count("koodtx_store_refreshed_timestamp_seconds") > 0 {
        show_usage(&Usage {
            users: count("koodtx_store_users"),
            sessions: count("koodtx_store_sessions"),
            records: count("koodtx_store_samples"),
            disk_bytes: count("koodtx_store_disk_bytes"),
        });
    }
}

/// Looks into the store, as no server answers.
async fn of_store(
    place: &Place,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let url = &config.store;
    say!("no server listens at {place} ({})", Setting::Listen.name());
    if stores.residence(url) == Some(Residence::Process) {
        say!("the store {url} is gone when no server runs");
        return Ok(ExitCode::SUCCESS);
    }
    require_data(config, stores)?;
    let store = open_store(config, stores).await?;
    say!("opened the store {url} itself");
    say!("  store     {}", store.info().kind);
    show_usage(&store.usage().await?);
    show_tasks(&*store).await?;
    Ok(ExitCode::SUCCESS)
}

fn show_usage(usage: &Usage) {
    say!("  users     {}", usage.users);
    say!("  sessions  {}", usage.sessions);
    say!("  samples   {}", usage.records);
    say!(
        "  on disk   {:.1} MiB",
        usage.disk_bytes as f64 / BYTES_PER_MEBIBYTE
    );
}

async fn show_tasks(store: &dyn Store) -> Result<(), CliError> {
    let runs = store.task_runs().await?;
    if runs.is_empty() {
        say!("  tasks     none has run yet");
    }
    for run in runs {
        let state = if run.succeeded { "ok" } else { "FAILED" };
        say!(
            "  {:15} {} {state} {}",
            run.task,
            run.finished_at,
            run.outcome
        );
    }
    Ok(())
}

/// A time as people say it.
fn readable(seconds: f64) -> String {
    let seconds = Duration::from_secs_f64(seconds.max(0.0)).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_understood() {
        let told = [5.0, 65.0, 3_700.0, 90_000.0].map(readable);
        assert_eq!(told, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }
}
