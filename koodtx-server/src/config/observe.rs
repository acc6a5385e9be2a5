//! Settings of what says how the server does.

use std::net::SocketAddr;
use std::time::Duration;

use super::setting::Setting;
use super::{ConfigError, Sources};
use crate::traces::OtlpEndpoint;

/// More would be a server that does not stop.
const DRAIN_MAX_SECONDS: u64 = 300;

/// Settings of what says how the server does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveConfig {
    /// Where metrics are read; none to measure nothing.
    pub metrics_listen: Option<SocketAddr>,
    /// How long the server goes on after it was told to stop, and says that it is not ready, so that
    /// whoever sends it requests notices in time.
    pub drain: Duration,
    /// Which collector takes traces; none to have no traces.
    pub otlp: Option<OtlpEndpoint>,
}

impl ObserveConfig {
    pub(super) fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        sources.read(Setting::MetricsListen, &mut self.metrics_listen, |text| {
            if text == "off" {
                return Ok(None);
            }
            let address = text.parse().map(Some);
            address.map_err(|_| "use an address and a port, like 127.0.0.1:9090, or `off`")
        })?;
        sources.read(Setting::DrainSeconds, &mut self.drain, |text| {
            let seconds = text.parse().ok();
            let seconds = seconds.filter(|seconds| *seconds <= DRAIN_MAX_SECONDS);
            let wrong = || format!("use a whole number from 0 to {DRAIN_MAX_SECONDS}");
            seconds.map(Duration::from_secs).ok_or_else(wrong)
        })?;
        sources.read(Setting::OtlpEndpoint, &mut self.otlp, |text| match text {
            "off" => Ok(None),
            url => url.parse().map(Some),
        })
    }
}
