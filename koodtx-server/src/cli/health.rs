//! `koodtx-server health`

use std::process::ExitCode;

use super::CliError;
use super::server_client::Place;
use crate::config::Config;

const HEALTH_PATH: &str = "/health";
const HTTP_OK: u16 = 200;

pub(super) async fn run(url: Option<&str>, config: &Config) -> Result<ExitCode, CliError> {
    let place = Place::of(url, config)?;
    let failed = |problem: String| CliError::Failed(format!("{place}: {problem}"));
    let reply = place.get(HEALTH_PATH).await;
    let reply = reply.map_err(|error| failed(error.to_string()))?;
    if reply.status != HTTP_OK {
        return Err(failed(format!("{} {}", reply.status, reply.body)));
    }
    say!("{}", reply.body);
    Ok(ExitCode::SUCCESS)
}
