//! `koodtx-bench`: load for a KooDTX server, and what stores take on disk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use koodtx_bench::load::{self, LoadOptions};
use koodtx_bench::{computing, storage};

/// Load for a KooDTX server, and what stores take on disk. The benches of the library run with `cargo bench -p koodtx-bench`.
#[derive(Parser)]
#[command(name = "koodtx-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Push as fast as the server takes it, and print one line of JSON.
    ///
    /// Registers throw-away accounts (or signs in to one that you name), writes the bodies of three
    /// motion sensors at 100 Hz and a position once a second, then pushes them over and over.
    /// The samples stay on the server: use one that you can throw away, or an account that you can.
    #[command(after_help = EXAMPLES)]
    Load(LoadOptions),
    /// Measure how fast an hour of recordings is analysed and exported, and in how much memory, as rows
    /// of a Markdown table.
    Computing {
        /// Only writes that hour into a store in this folder; the measurement calls itself so.
        #[arg(long, value_name = "FOLDER", hide = true)]
        fill: Option<PathBuf>,
    },
    /// Measure what samples take on disk and in the write-ahead log, as rows of a Markdown table.
    ///
    /// Pushes the real recordings of the examples, and an hour of three sensors at 100 Hz, into the
    /// embedded store in a temporary folder, and with --postgres into the PostgreSQL store and into a
    /// plain table with one row a sample.
    Storage {
        /// An empty database that `koodtx-server migrate` has seen, and that can be thrown away.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
}

const EXAMPLES: &str = "\
Examples:
  Two devices against a server on this machine:
    koodtx-bench load

  64 devices with 10,000 samples a push, with what it costs the server:
    koodtx-bench load --connections 64 --batch 10000 --users 1 \\
        --server-pid \"$(pgrep -n koodtx-server)\" --data-dir ./koodtx-data

  Pushes that are all retries, with an account of your own:
    KOODTX_LOAD_PASSWORD=… koodtx-bench load --mode retry --username ada

Exit status: 0 when every push was answered with success, 1 when one failed, 2 when the run could
not begin.";

/// Status when a push failed.
const SOME_FAILED: u8 = 1;
/// Status when the run could not begin; also that of wrong options.
const NOT_BEGUN: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Load(options) => load(&options).await,
        Command::Computing { fill } => computing(fill.as_deref()).await,
        Command::Storage { postgres } => storage(postgres.as_deref()).await,
    }
}

async fn computing(fill: Option<&Path>) -> ExitCode {
    let done = if let Some(folder) = fill {
        computing::fill(folder).await
    } else {
        println!("{}", computing::HEADING);
        computing::run(&["computing", "--fill"], |row| println!("{row}")).await
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(NOT_BEGUN)
        }
    }
}

async fn storage(postgres: Option<&str>) -> ExitCode {
    println!("{}", storage::HEADING);
    match storage::run(postgres, |measurement| println!("{measurement}")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(NOT_BEGUN)
        }
    }
}

async fn load(options: &LoadOptions) -> ExitCode {
    let report = match load::run(options).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(NOT_BEGUN);
        }
    };
    match report.to_line() {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("error: the report cannot be written: {error}"),
    }
    if report.errors > 0 {
        ExitCode::from(SOME_FAILED)
    } else {
        ExitCode::SUCCESS
    }
}
