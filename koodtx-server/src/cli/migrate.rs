//! `koodtx-server migrate`

use std::process::ExitCode;

use koodtx_core::store::StoreError;
use koodtx_store_postgres::{SchemaState, SchemaStatus};

use super::args::MigrateArgs;
use super::{CliError, may_hold_data, open_store};
use crate::config::Config;
use crate::start_error::StartError;
use crate::stores::{SchemaStep, StoreRegistry};

pub(super) async fn run(
    args: &MigrateArgs,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let read = stores.schema(SchemaStep::Read, config).await;
    let Some(status) = read.transpose().map_err(|error| failed(config, error))? else {
        return report_store(args, config, stores).await;
    };
    if args.status {
        report_schema(config, &status, "pending");
        return Ok(match status.state {
            SchemaState::Current => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        });
    }
    if let Some(migrated) = bring_up_to_date(config, stores).await? {
        let applied = SchemaStatus {
            pending: status.pending,
            ..migrated
        };
        report_schema(config, &applied, "applied");
    }
    Ok(ExitCode::SUCCESS)
}

/// Migrates the store that the settings name; `None` where it upgrades itself when it is opened.
pub(super) async fn bring_up_to_date(
    config: &Config,
    stores: &StoreRegistry,
) -> Result<Option<SchemaStatus>, CliError> {
    let migrated = stores.schema(SchemaStep::Migrate, config).await;
    migrated.transpose().map_err(|error| failed(config, error))
}

fn failed(config: &Config, source: StoreError) -> CliError {
    let url = config.store.to_string();
    StartError::Schema { url, source }.into()
}

/// Says how a schema stands; `label` is what became of the migrations in `status.pending`.
fn report_schema(config: &Config, status: &SchemaStatus, label: &str) {
    say!("{}: {status}", config.store);
    match status.applied {
        Some(version) => say!("  version  {version} of {}", status.latest),
        None => say!("  version  none of {}", status.latest),
    }
    for migration in &status.pending {
        say!("  {label}  {} {}", migration.version, migration.description);
    }
}

/// Opens a store that upgrades itself, and says what it is.
async fn report_store(
    args: &MigrateArgs,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let url = &config.store;
    if args.status && !may_hold_data(config, stores) {
        say!("{url}: not created yet; the first `koodtx-server serve` or `migrate` does that");
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(config, stores).await?;
    let info = store.info();
    let usage = store.usage().await?;
    say!("{url}: ready");
    say!("  store     {}", info.kind);
    say!(
        "  durable   {}",
        if info.durable {
            "yes"
        } else {
            "no, it ends with the process"
        }
    );
    say!("  users     {}", usage.users);
    say!("  sessions  {}", usage.sessions);
    say!("  records   {}", usage.records);
    say!("  on disk   {} bytes", usage.disk_bytes);
    say!("This store creates and upgrades its format by itself when it is opened.");
    Ok(ExitCode::SUCCESS)
}
