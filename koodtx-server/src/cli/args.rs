//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  koodtx-server                                   serve on 127.0.0.1:5000, data in ./koodtx-data
  koodtx-server --listen 0.0.0.0:8080 --store sled:/var/lib/koodtx
  koodtx-server user create ann --email ann@example.com
  koodtx-server verify --store sled:/var/lib/koodtx

Settings come from flags, then KOODTX_* variables and .env, then the file of --config (or of
KOODTX_CONFIG), then defaults. koodtx.example.toml lists them all.";

/// Sync server for sensor recordings: devices push what they recorded offline and pull what changed.
#[derive(Debug, Parser)]
#[command(name = "koodtx-server", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// Where the data are, as a URL whose scheme chooses the store: sled:PATH or memory:
    /// [default: sled:./koodtx-data]
    #[arg(long, global = true, value_name = "URL")]
    pub(super) store: Option<String>,

    /// A TOML file with settings.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    #[command(flatten)]
    pub(super) serve: ServeArgs,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address and port to listen on [default: 127.0.0.1:5000]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve until SIGTERM or Ctrl-C (what happens without a command)
    Serve(ServeArgs),
    /// Get the store ready, or say what state it is in
    #[command(alias = "init-db")]
    Migrate(MigrateArgs),
    /// Print the OpenAPI document
    Openapi(OpenapiArgs),
    /// Manage accounts, while no server holds the data folder
    #[command(subcommand)]
    User(UserCommand),
    /// Check everything stored, while no server holds the data folder; exit 1 if anything is wrong
    Verify,
}

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Only say what state the store is in; create nothing
    #[arg(long)]
    pub(super) status: bool,
}

#[derive(Debug, Args)]
pub(super) struct OpenapiArgs {
    /// Compare with this file instead; exit 1 if it differs
    #[arg(long, value_name = "FILE")]
    pub(super) check: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Create an account; prints a generated password unless one is given
    Create {
        /// 3 to 80 characters
        name: String,
        /// The email address
        #[arg(long)]
        email: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Disable an account: its tokens stop working at once
    Disable {
        /// The username
        name: String,
    },
    /// Enable an account again
    Enable {
        /// The username
        name: String,
    },
    /// Give an account another password and sign it out everywhere
    ResetPassword {
        /// The username
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List all accounts
    List,
}

#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of standard input instead of generating one
    #[arg(long)]
    pub(super) password_stdin: bool,
}
