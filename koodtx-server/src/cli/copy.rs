//! `koodtx-server copy`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use koodtx_core::store::Store;
use koodtx_core::transfer::{self, TransferError};

use super::args::CopyArgs;
use super::progress::Progress;
use super::{CliError, open_any_store, require_data};
use crate::config::{Config, StoreUrl};
use crate::secret_file::SECRET_FILE_NAME;
use crate::stores::{Residence, StoreRegistry};

/// Differences that are printed; the others are counted.
const DIFFERENCES_SHOWN_MAX_COUNT: usize = 20;

pub(super) async fn run(
    args: &CopyArgs,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    let (from, to) = (&args.from, &args.to);
    if from.as_str() == to.as_str() {
        return Err(CliError::Failed(
            "--from and --to name the same store".to_owned(),
        ));
    }
    let source_config = config_of(config, from, "--from");
    let target_config = config_of(config, to, "--to");
    require_data(&source_config, stores)?;
    let source = super::open_store(&source_config, stores).await?;
    let target = open_any_store(&target_config, stores).await?;
    let records = source.usage().await?.records;

    // Without its password.
    let name = from.to_string();
    let progress = Progress::new("copying", records);
    let copied = transfer::copy(&*source, &*target, &name, |totals| {
        progress.reach(totals);
    });
    let totals = copied.await.map_err(|error| failed("copying", error))?;
    drop(progress);
    say!(
        "copied {} accounts, {} sign-ins, {} sessions, {} records, {} log entries",
        totals.accounts,
        totals.sign_ins,
        totals.sessions,
        totals.records,
        totals.log_entries
    );
    if args.verify && !verify(&source, &target, records).await? {
        return Ok(ExitCode::FAILURE);
    }
    say!("{}", advice(from, to, stores));
    Ok(ExitCode::SUCCESS)
}

/// The settings, with the store that a flag names.
fn config_of(config: &Config, url: &StoreUrl, flag: &str) -> Config {
    Config {
        store: url.clone(),
        store_origin: Some(flag.to_owned()),
        ..config.clone()
    }
}

/// Whether both stores hold the same.
async fn verify(
    source: &Arc<dyn Store>,
    target: &Arc<dyn Store>,
    records: u64,
) -> Result<bool, CliError> {
    let progress = Progress::new("comparing", records);
    let compared = transfer::compare(&**source, &**target, |totals| progress.reach(totals));
    let (totals, differences) = compared.await.map_err(|error| failed("comparing", error))?;
    drop(progress);
    for difference in differences.iter().take(DIFFERENCES_SHOWN_MAX_COUNT) {
        eprintln!("difference: {difference}");
    }
    if differences.is_empty() {
        say!(
            "verified: both stores hold the same {} users, {} sessions and {} records",
            totals.users,
            totals.sessions,
            totals.records
        );
    } else {
        eprintln!(
            "{} users differ: was the source written to meanwhile? Stop its servers, empty the \
             target, and copy again",
            differences.len()
        );
    }
    Ok(differences.is_empty())
}

fn failed(what: &str, error: TransferError) -> CliError {
    let (side, error) = match error {
        TransferError::Source(error) => ("source", error),
        TransferError::Target(error) => ("target", error),
    };
    CliError::Failed(format!("{what} failed: the {side}: {}", error.message()))
}

/// What is left to do so that devices stay signed in.
fn advice(from: &StoreUrl, to: &StoreUrl, stores: &StoreRegistry) -> String {
    let secret_of = |url: &StoreUrl| -> Option<PathBuf> {
        match stores.residence(url) {
            Some(Residence::Folder(folder)) => Some(folder.join(SECRET_FILE_NAME)),
            _ => None,
        }
    };
    let keep = match (secret_of(from), secret_of(to)) {
        (Some(from), Some(to)) => {
            format!("copy {} to {}", from.display(), to.display())
        }
        (Some(from), None) => format!("set KOODTX_JWT_SECRET to what {} has", from.display()),
        _ => "keep KOODTX_JWT_SECRET as it is".to_owned(),
    };
    format!(
        "The signing secret is not copied: so that devices stay signed in, {keep} (unless \
         KOODTX_JWT_SECRET was set all along). Then start the server with --store {to}"
    )
}
