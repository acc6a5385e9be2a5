//! `koodtx-bench`: how fast KooDTX is, and what its stores take on disk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use koodtx_bench::load::{self, LoadOptions};
use koodtx_bench::report::{self, ReportOptions};
use koodtx_bench::{computing, storage};

/// How fast KooDTX is, and what its stores take on disk. The benches of the library run with `cargo bench -p koodtx-bench`.
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
    /// Measure everything that is promised of the speed, in one run, as a page of Markdown with plots.
    ///
    /// Starts what it needs: the server's binary, a PostgreSQL cluster that is thrown away (initdb and
    /// postgres have to be installed), and influxd where it is installed. Stores are kept in the folder
    /// for temporary files: TMPDIR says on which disk. Takes 10 to 12 minutes.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportOptions),
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

const REPORT_EXAMPLES: &str = "\
Examples:
  All of it, into the folder of the page:
    cargo build --release -p koodtx-server -p koodtx-bench
    target/release/koodtx-bench report --output benches

  Two rows on the embedded store, while working on what they measure:
    target/release/koodtx-bench report --store sled --only fresh,retry

Exit status: 0 when everything was measured, whatever came out; 1 when a push failed; 2 when
something could not be measured.";

/// Status when a push failed.
const SOME_FAILED: u8 = 1;
/// Status when the run could not begin; also that of wrong options.
const NOT_BEGUN: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Load(options) => load(&options).await,
        Command::Report(options) => report(&options).await,
        Command::Computing { fill } => computing(fill.as_deref()).await,
        Command::Storage { postgres } => storage(postgres.as_deref()).await,
    }
}

async fn report(options: &ReportOptions) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("koodtx-bench {}", arguments.join(" "));
    let report = match report::run(options, &command, |step| eprintln!("{step}")).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(NOT_BEGUN);
        }
    };
    match &options.output {
        None => print!("{}", report.page),
        Some(folder) => println!("{}", folder.join(report::PAGE_NAME).display()),
    }
    if report.results.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOME_FAILED)
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
