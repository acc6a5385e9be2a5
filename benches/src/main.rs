//! `koodtx-bench`: load for a KooDTX server.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use koodtx_bench::load::{self, LoadOptions};

/// Load for a KooDTX server. The benches of the library run with `cargo bench -p koodtx-bench`.
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
    let Command::Load(options) = Cli::parse().command;
    let report = match load::run(&options).await {
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
