//! `koodtx-server report`

use std::process::ExitCode;

use super::jobs::open_context;
use super::{CliError, require_data};
use crate::config::Config;
use crate::jobs::{Arguments, Task, readable, run_task};
use crate::stores::StoreRegistry;

pub(super) async fn run(
    json: bool,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    require_data(config, stores)?;
    let context = open_context(config, stores).await?;
    let report = run_task(&context, Task::Report, &Arguments::new()).await?;
    if json {
        say!("{report:#}");
    } else {
        say!("{}", readable(&report).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}
