//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::StoreUrl;

const EXAMPLES: &str = "\
Examples:
  koodtx-server                                   serve on 127.0.0.1:5000, data in ./koodtx-data
  koodtx-server --listen 0.0.0.0:8080 --store sled:/var/lib/koodtx
  koodtx-server migrate --store postgres://koodtx@db.example/koodtx
  koodtx-server user create ann --email ann@example.com
  koodtx-server status
  koodtx-server verify --store sled:/var/lib/koodtx
  koodtx-server jobs run purge-samples --dry-run

Settings come from flags, then KOODTX_* variables and .env, then the file of --config (or of
KOODTX_CONFIG), then defaults. koodtx.example.toml lists them all.";

/// Sync server for sensor recordings: devices push what they recorded offline and pull what changed.
#[derive(Debug, Parser)]
#[command(name = "koodtx-server", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// Where the data are, as a URL whose scheme chooses the store: sled:PATH, postgres://… or
    /// memory:
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

    /// First bring the schema of the store up to date, as `migrate` does
    #[arg(long)]
    pub(super) migrate: bool,
}

#[derive(Debug, Args)]
pub(super) struct BackgroundArgs {
    /// Where the metrics of this process are read, or `off`, in place of KOODTX_METRICS_LISTEN, which is
    /// the server's where both have the same settings
    #[arg(long, value_name = "ADDR")]
    pub(super) metrics_listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve until SIGTERM or Ctrl-C (what happens without a command)
    Serve(ServeArgs),
    /// Get the store ready and bring its schema up to date, or say what state it is in
    #[command(alias = "init-db")]
    Migrate(MigrateArgs),
    /// Ask a running server whether it works; exit 1 if it does not. By TLS where KOODTX_TLS_CERT says so
    Health {
        /// Where it is, like http://127.0.0.1:5000 [default: the address of KOODTX_LISTEN]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Print the OpenAPI document
    Openapi(OpenapiArgs),
    /// Manage accounts; of an embedded store, while no server holds its folder
    #[command(subcommand)]
    User(UserCommand),
    /// Do background jobs that are kept in a Redis (KOODTX_JOBS), until SIGTERM or Ctrl-C
    Worker(BackgroundArgs),
    /// Submit the tasks of the schedule when they are due, to a Redis (KOODTX_JOBS), until SIGTERM or
    /// Ctrl-C. Of several schedulers one submits each
    Scheduler(BackgroundArgs),
    /// Look at background jobs, and run tasks
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Say what there is, what changed within 30 days and what each task did last
    Report {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Say how a running server does, or what a stopped one holds
    Status {
        /// The running server; without it the one at KOODTX_LISTEN, and where none answers there, the
        /// store itself
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Check everything stored; of an embedded store, while no server holds its folder; exit 1 if
    /// anything is wrong
    Verify {
        /// First count anew what is counted (records and series of sessions, totals of users) and put
        /// right what is wrong; touches no sample
        #[arg(long)]
        repair: bool,
    },
    /// Copy everything from one store into another, empty one; goes on where it broke off
    Copy(CopyArgs),
    /// Write everything stored into one file
    Backup {
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Restore a backup into an empty store; a damaged file changes nothing
    Restore {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Only say what state the store is in, and change nothing; exit 1 if a schema is not up to date
    #[arg(long)]
    pub(super) status: bool,
}

#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The store to read; stop its servers first
    #[arg(long, value_name = "URL")]
    pub(super) from: StoreUrl,
    /// The store to write, which has to be empty; on PostgreSQL run `migrate` first
    #[arg(long, value_name = "URL")]
    pub(super) to: StoreUrl,
    /// Then read both stores and compare every value; exit 1 if anything differs
    #[arg(long)]
    pub(super) verify: bool,
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
    /// Write everything of an account into a ZIP file, as GET /api/auth/account/export does
    Export {
        /// The username
        name: String,
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Delete an account and everything stored for it, for good; its name stays taken
    Delete {
        /// The username
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List all accounts
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// List the tasks with their schedule, and what is in the queue of a Redis
    List,
    /// Run a task: in a worker where there is a Redis, else here; of an embedded store, while no
    /// server holds its folder
    Run {
        /// Which task; see `jobs list`
        name: String,
        /// What it is told, as NAME=VALUE; may be repeated
        #[arg(long = "arg", value_name = "NAME=VALUE")]
        arguments: Vec<String>,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Run it here, also where there is a Redis
        #[arg(long)]
        here: bool,
    },
    /// Say what each task did last, and how much is in the queue of a Redis
    Status,
}

#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of standard input instead of generating one
    #[arg(long)]
    pub(super) password_stdin: bool,
}
