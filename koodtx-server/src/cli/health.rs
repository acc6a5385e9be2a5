//! `koodtx-server health`

use std::process::ExitCode;

use super::CliError;
use super::server_client::{get, place_of, reachable};
use crate::config::Config;

const HEALTH_PATH: &str = "/health";
const HTTP_OK: u16 = 200;

pub(super) async fn run(url: Option<&str>, config: &Config) -> Result<ExitCode, CliError> {
    let place = match url {
        Some(url) => place_of(url)?,
        None => reachable(config.listen).to_string(),
    };
    let failed = |problem: String| CliError::Failed(format!("{place}: {problem}"));
    let reply = get(&place, HEALTH_PATH).await;
    let reply = reply.map_err(|error| failed(error.to_string()))?;
    if reply.status != HTTP_OK {
        return Err(failed(format!("{} {}", reply.status, reply.body)));
    }
    say!("{}", reply.body);
    Ok(ExitCode::SUCCESS)
}
