//! The log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{LogConfig, LogFormat};
use crate::traces::Traces;

/// Starts logging, beside traces if there are any. A second call does nothing.
pub(crate) fn start(config: &LogConfig, traces: Option<&Traces>) {
    let filter = EnvFilter::new(&config.filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let registry = tracing_subscriber::registry();
    let started = match traces {
        None => registry.with(lines.with_filter(filter)).try_init(),
        Some(traces) => {
            let of_log = filter.and(filter_fn(|metadata| !Traces::is_ours(metadata)));
            let lines = lines.with_filter(of_log);
            registry.with(lines).with(traces.layer()).try_init()
        }
    };
    // Whoever embeds the server may have a log of their own.
    drop(started);
}
