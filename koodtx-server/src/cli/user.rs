//! `koodtx-server user`

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use futures_util::StreamExt;
use koodtx_core::store::User;
use koodtx_core::time::Timestamp;
use rand::RngExt;
use tokio::io::AsyncWriteExt;

use super::args::{PasswordArgs, UserCommand};
use super::{CliError, require_data};
use crate::auth::NewAccount;
use crate::config::{Config, ObserveConfig};
use crate::export::export_account;
use crate::jobs::{Arguments, Task, run_task};
use crate::server::Server;
use crate::stores::StoreRegistry;

/// Length of generated passwords: more than 110 bits.
const GENERATED_CHARS: usize = 20;
/// Without the letters and digits that look alike.
const GENERATED_ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Accounts listed in one step.
const STEP_USERS_COUNT: usize = 100;

pub(super) async fn run(
    command: UserCommand,
    mut config: Config,
    stores: StoreRegistry,
) -> Result<ExitCode, CliError> {
    // Its address belongs to the server that runs beside this.
    config.observe = ObserveConfig::default();
    // The first account comes before the first start of the server; the others are there already.
    if !matches!(command, UserCommand::Create { .. }) {
        require_data(&config, &stores)?;
    }
    let server = Server::builder()
        .config(config)
        .stores(stores)
        .build()
        .await?;
    let (accounts, now) = (server.accounts(), Timestamp::now());
    match command {
        UserCommand::Create {
            name,
            email,
            password,
        } => {
            let password = Password::of(&password)?;
            let account = NewAccount {
                username: name,
                email,
                password: password.text.clone(),
                device_id: None,
            };
            let user = accounts.create(account, now).await?;
            say!("created user {} with id {}", user.username, user.id);
            password.show();
        }
        UserCommand::Disable { name } => {
            let user = known(accounts.set_active(&name, false, now).await?, &name)?;
            say!("disabled user {}", user.username);
        }
        UserCommand::Enable { name } => {
            let user = known(accounts.set_active(&name, true, now).await?, &name)?;
            say!("enabled user {}", user.username);
        }
        UserCommand::ResetPassword { name, password } => {
            let password = Password::of(&password)?;
            let changed = accounts
                .reset_password(&name, password.text.clone(), now)
                .await?;
            let user = known(changed, &name)?;
            say!(
                "user {} has another password and is signed out everywhere",
                user.username
            );
            password.show();
        }
        UserCommand::Export { name, file } => export(&server, &name, &file, now).await?,
        UserCommand::Delete { name, yes } => delete(&server, &name, yes, now).await?,
        UserCommand::List => list(&server).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes everything of an account into a new file, which only its owner may read. One that broke off
/// is removed.
async fn export(server: &Server, name: &str, file: &Path, now: Timestamp) -> Result<(), CliError> {
    let found = server.store().credentials(name).await?;
    let user = known(found.map(|found| found.user), name)?;
    let failed = |source| CliError::Io {
        what: file.display().to_string(),
        source,
    };
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut out = options.open(file).await.map_err(failed)?;
    let written = async {
        let mut stream = std::pin::pin!(export_account(server.store().clone(), user, now));
        let mut bytes = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| CliError::Failed(format!("{name}: {error}")))?;
            out.write_all(&piece).await.map_err(failed)?;
            bytes += piece.len();
        }
        out.sync_all().await.map_err(failed)?;
        Ok::<_, CliError>(bytes)
    };
    match written.await {
        Ok(bytes) => say!("wrote {} ({bytes} bytes)", file.display()),
        Err(error) => {
            tokio::fs::remove_file(file).await.map_err(failed)?;
            return Err(error);
        }
    }
    Ok(())
}

/// Deletes an account, and removes what it and others that were deleted have left.
async fn delete(server: &Server, name: &str, yes: bool, now: Timestamp) -> Result<(), CliError> {
    let found = server.store().credentials(name).await?;
    let found = found.map(|found| found.user);
    let Some(user) = &found else {
        // It may have been deleted, and the erasing broken off.
        erase(server).await?;
        return known(None, name).map(drop);
    };
    if !yes {
        confirm(&user.username)?;
    }
    let deleted = known(server.accounts().delete(name, now).await?, name)?;
    say!("deleted user {} with id {}", deleted.username, deleted.id);
    erase(server).await
}

/// Has the operator type the name of what is about to be deleted.
fn confirm(username: &str) -> Result<(), CliError> {
    let refused = |why: &str| CliError::Failed(format!("{why}; nothing was deleted"));
    if !std::io::stdin().is_terminal() {
        return Err(refused("there is nobody to confirm it: say --yes"));
    }
    eprintln!(
        "This deletes {username} and everything stored for them, for good. Type the username to go on:"
    );
    if typed_line()? == username {
        Ok(())
    } else {
        Err(refused("that is another name"))
    }
}

/// A line of the standard input, without its end.
fn typed_line() -> Result<String, CliError> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|source| CliError::Io {
            what: "standard input".to_owned(),
            source,
        })?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

async fn erase(server: &Server) -> Result<(), CliError> {
    let context = server.jobs().context();
    loop {
        let outcome = run_task(context, Task::EraseAccounts, &Arguments::new()).await?;
        if outcome["accounts"] != 0 {
            say!(
                "{} pieces and {} export files removed; nothing is left of {} deleted accounts",
                outcome["pieces"],
                outcome["export_files"],
                outcome["accounts"]
            );
        }
        if outcome["finished"] == true {
            return Ok(());
        }
    }
}

fn known(user: Option<User>, name: &str) -> Result<User, CliError> {
    user.ok_or_else(|| CliError::Failed(format!("there is no user `{name}`")))
}

async fn list(server: &Server) -> Result<(), CliError> {
    say!(
        "{:>8}  {:<8}  {:<27}  username  email",
        "id",
        "state",
        "registered"
    );
    let mut after = None;
    loop {
        let page = server.store().users(after, STEP_USERS_COUNT).await?;
        for user in &page.users {
            let state = if user.is_active { "active" } else { "disabled" };
            let registered = user.created_at.to_string();
            say!(
                "{:>8}  {state:<8}  {registered:<27}  {}  {}",
                user.id.0,
                user.username,
                user.email
            );
        }
        after = page.users.last().map(|user| user.id);
        if !page.has_more {
            return Ok(());
        }
    }
}

/// A password that was typed or made up.
struct Password {
    text: String,
    generated: bool,
}

impl Password {
    fn of(args: &PasswordArgs) -> Result<Self, CliError> {
        if !args.password_stdin {
            let mut rng = rand::rng();
            let letter =
                || char::from(GENERATED_ALPHABET[rng.random_range(0..GENERATED_ALPHABET.len())]);
            let text = std::iter::repeat_with(letter)
                .take(GENERATED_CHARS)
                .collect();
            return Ok(Self {
                text,
                generated: true,
            });
        }
        Ok(Self {
            text: typed_line()?,
            generated: false,
        })
    }

    /// Shows a password that only this program knows.
    fn show(&self) {
        if self.generated {
            say!("password: {}", self.text);
        }
    }
}
