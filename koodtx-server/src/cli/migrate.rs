//! `koodtx-server migrate`

use std::process::ExitCode;

use super::args::MigrateArgs;
use super::{CliError, may_hold_data, open_store};
use crate::config::Config;
use crate::stores::StoreRegistry;

pub(super) async fn run(
    args: &MigrateArgs,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let url = &config.store;
    if args.status && !may_hold_data(config, stores) {
        println!("{url}: not created yet; the first `koodtx-server serve` or `migrate` does that");
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(config, stores).await?;
    let info = store.info();
    let usage = store.usage().await?;
    println!("{url}: ready");
    println!("  store     {}", info.kind);
    println!(
        "  durable   {}",
        if info.durable {
            "yes"
        } else {
            "no, it ends with the process"
        }
    );
    println!("  users     {}", usage.users);
    println!("  sessions  {}", usage.sessions);
    println!("  records   {}", usage.records);
    println!("  on disk   {} bytes", usage.disk_bytes);
    println!("This store creates and upgrades its format by itself when it is opened.");
    Ok(ExitCode::SUCCESS)
}
