//! A client that uploads recordings to a running server and pulls them back on a second device.
//!
//! ```sh
//! cargo run --release -p koodtx-server                        # in one terminal
//! cargo run --release -p koodtx-examples --bin upload         # in another: twice, if you like
//! ```
//!
//! It registers an account (or signs in), pushes every recording, compressed, one after the other,
//! and repeats what fails: kill the server half way and start it again, and the upload goes on.
//! Then a second device of the account pulls everything and compares it value by value with the
//! recordings. A second run reports that nothing was inserted, nothing updated, and no session's
//! `updated_at` moved.

use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use koodtx_examples::recordings::{BASIC_MOTIONS, GPS_TRACKS, all_push_bodies};
use koodtx_examples::upload::{
    Account, Client, ClientStats, Comparison, Compression, Expected, Progress, Replica,
    UploadReport, upload,
};
use serde::Serialize;

/// Uploads recordings and checks what a second device gets.
#[derive(Parser)]
struct Args {
    /// URL of the server
    #[arg(long, default_value = "http://127.0.0.1:5000")]
    server: String,
    /// Account to register, or to sign in with
    #[arg(long, default_value = "demo")]
    username: String,
    /// Its password
    #[arg(
        long,
        env = "KOODTX_DEMO_PASSWORD",
        default_value = "demo password",
        hide_env_values = true
    )]
    password: String,
    /// How bodies are compressed: none, gzip or zstd
    #[arg(long, default_value = "zstd")]
    compress: Compression,
    /// Pause between two recordings, in milliseconds
    #[arg(long, default_value_t = 0)]
    pause_millis: u64,
    /// How long to wait for a server that is away, in seconds
    #[arg(long, default_value_t = 120)]
    patience_seconds: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Files of push bodies, one a line
    #[arg(default_values = [BASIC_MOTIONS, GPS_TRACKS])]
    recordings: Vec<PathBuf>,
}

/// All that a run found.
#[derive(Serialize)]
struct Report {
    upload: UploadReport,
    client: ClientStats,
    comparison: Comparison,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(report) => {
            print(&report, args.json);
            let is_good = report.upload.errors == 0 && report.comparison.differences_count == 0;
            if is_good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("upload: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<Report, Box<dyn Error>> {
    let bodies = all_push_bodies(&args.recordings)?;
    let expected = Expected::from_bodies(&bodies)?;
    let patience = Duration::from_secs(args.patience_seconds);
    let account = || Account {
        username: args.username.clone(),
        email: format!("{}@example.com", args.username),
        password: args.password.clone(),
    };
    let device = |kind: &str| format!("{}-{kind}", args.username);

    let mut watch = Client::sign_in(&args.server, account(), &device("watch"), patience).await?;
    let show = progress_bar(bodies.len())?;
    let pause = Duration::from_millis(args.pause_millis);
    let upload = upload(&mut watch, &bodies, args.compress, pause, show).await?;

    let mut tablet = Client::sign_in(&args.server, account(), &device("tablet"), patience).await?;
    let mut replica = Replica::default();
    replica.round(&mut tablet).await?;
    let comparison = expected.compare(&replica);
    Ok(Report {
        upload,
        client: watch.stats(),
        comparison,
    })
}

/// A bar where people watch, a line a recording where they do not.
fn progress_bar(bodies: usize) -> Result<impl FnMut(Progress<'_>), Box<dyn Error>> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} recordings, {msg}, {eta} left")?;
    let bar = ProgressBar::new(bodies as u64).with_style(style);
    let is_watched = stderr().is_terminal();
    let mut records = 0;
    Ok(move |Progress { done, of, answer }: Progress<'_>| {
        records += answer.total_records;
        bar.set_position(done as u64);
        bar.set_message(format!("{records} records"));
        if done == of {
            bar.finish();
        }
        if !is_watched {
            eprintln!("pushed {done}/{of} {}", answer.session_id);
        }
    })
}

fn print(report: &Report, as_json: bool) {
    if as_json {
        println!("{}", serde_json::json!(report));
        return;
    }
    let Report {
        upload,
        client,
        comparison,
    } = report;
    println!(
        "pushed    {} records in {} recordings: {} inserted, {} updated, {} duplicates, {} errors",
        upload.records,
        upload.bodies,
        upload.inserted,
        upload.updated,
        upload.duplicates,
        upload.errors
    );
    println!(
        "          {} bytes, sent as {}",
        upload.body_bytes, upload.sent_bytes
    );
    println!(
        "          {} sessions that were there before moved",
        upload.sessions_moved
    );
    println!(
        "          {} retries, {} token refreshes",
        client.retries, client.refreshes
    );
    println!(
        "compared  {} sessions, {} records on a second device: {} differences",
        comparison.sessions, comparison.records, comparison.differences_count
    );
    for difference in &comparison.differences {
        println!("          {difference}");
    }
}
