//! `koodtx-server user`

use std::process::ExitCode;

use koodtx_core::store::User;
use koodtx_core::time::Timestamp;
use rand::RngExt;

use super::args::{PasswordArgs, UserCommand};
use super::{CliError, require_data};
use crate::auth::NewAccount;
use crate::config::{Config, ObserveConfig};
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
        UserCommand::List => list(&server).await?,
    }
    Ok(ExitCode::SUCCESS)
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
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|source| CliError::Io {
                what: "standard input".to_owned(),
                source,
            })?;
        let text = line.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Self {
            text,
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
