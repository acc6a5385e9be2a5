//! A Rust service that syncs without HTTP: `koodtx-core` for the protocol, `koodtx-store-sled` for
//! the data, and nothing else of KooDTX.
//!
//! ```sh
//! cargo run -p koodtx-examples --bin embed                     # keeps its data in a temporary folder
//! cargo run -p koodtx-examples --bin embed -- --data ./tracks   # or in one of yours: run it twice
//! ```
//!
//! A phone pushes three GPS tracks; a watch pulls them, reading altitudes straight from the columns;
//! the phone then renames one track, and the watch pulls only what changed. Whoever calls is known
//! from the service's own means: `Caller` is all that KooDTX asks for.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use koodtx_core::id::{SessionId, SignInId, UserId};
use koodtx_core::pull::{PullRequest, RecordChunk};
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, PullEvent, PullSummary, PushResponse, SyncService};
use koodtx_core::time::Timestamp;
use koodtx_examples::recordings::{GPS_TRACKS, push_bodies};
use koodtx_store_sled::{SledOptions, SledStore};
use tokio::task::spawn_blocking;

/// Syncs GPS tracks inside one process.
#[derive(Parser)]
struct Args {
    /// Folder for the data [default: a temporary one]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Push bodies, one a line
    #[arg(default_value = GPS_TRACKS)]
    recordings: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let folder = args.data.unwrap_or_else(|| temporary.path().to_owned());
    // Opening reads files, so it stays off the async threads. The store's own methods see to
    // themselves.
    let store = spawn_blocking(move || SledStore::open(folder, SledOptions::default())).await??;
    let service = SyncService::new(Arc::new(store));

    let user = UserId(1);
    let phone = Caller {
        user,
        device_id: Some("phone".into()),
        sign_in: sign_in(1),
        request_id: None,
    };
    let watch = Caller {
        user,
        device_id: Some("watch".into()),
        sign_in: sign_in(2),
        request_id: None,
    };

    let bodies = push_bodies(&args.recordings)?;
    for body in &bodies {
        let pushed = push(&service, &phone, body.clone()).await?;
        println!(
            "pushed {}: {} inserted, {} duplicates",
            pushed.session_id, pushed.inserted, pushed.duplicates
        );
    }

    let (tracks, summary) = pull(&service, &watch, PullRequest::default()).await?;
    for (id, track) in &tracks {
        let Track {
            notes,
            records,
            lowest,
            highest,
            ..
        } = track;
        println!("pulled {id}: {notes}, {records} records, {lowest:.0} to {highest:.0} m");
    }

    if let Some((id, Track { start_time, .. })) = tracks.first_key_value() {
        let rename = format!(
            r#"{{"session": {{"session_id": "{id}", "start_time": "{start_time}",
                              "notes": "renamed at {}"}}, "sensor_data": []}}"#,
            service.now()
        );
        push(&service, &phone, rename).await?;
    }
    let since = Some(summary.server_timestamp);
    let request = PullRequest {
        last_sync_time: since,
        changes_only: true,
        ..PullRequest::default()
    };
    let (changed, _) = pull(&service, &watch, request).await?;
    let records: u64 = changed.values().map(|track| track.records).sum();
    println!(
        "changed since: {} session, {records} records",
        changed.len()
    );
    Ok(())
}

fn sign_in(number: u128) -> SignInId {
    SignInId(uuid::Uuid::from_u128(number))
}

async fn push(
    service: &SyncService,
    caller: &Caller,
    body: String,
) -> Result<PushResponse, Box<dyn Error>> {
    let (started_at, body_bytes) = (service.now(), body.len() as u64);
    // Parsing takes time in proportion to the body.
    let batch = spawn_blocking(move || PushBatch::parse(body.as_bytes())).await??;
    Ok(service
        .push(caller, Arc::new(batch), body_bytes, started_at)
        .await?)
}

/// What this service wants to know of a track.
struct Track {
    start_time: Timestamp,
    notes: String,
    records: u64,
    /// Metres.
    lowest: f64,
    highest: f64,
}

/// Pulls all pages of one round.
async fn pull(
    service: &SyncService,
    caller: &Caller,
    mut request: PullRequest,
) -> Result<(BTreeMap<SessionId, Track>, PullSummary), Box<dyn Error>> {
    let mut tracks = BTreeMap::new();
    loop {
        let summary = page(service, caller, request.clone(), &mut tracks).await?;
        if !summary.has_more {
            return Ok((tracks, summary));
        }
        request.cursor.clone_from(&summary.next_cursor);
    }
}

/// Pulls one page. Nothing is held but the chunk in hand, however long the recordings are.
async fn page(
    service: &SyncService,
    caller: &Caller,
    request: PullRequest,
    tracks: &mut BTreeMap<SessionId, Track>,
) -> Result<PullSummary, Box<dyn Error>> {
    let mut pull = service.begin_pull(caller, request, 0).await?;
    let mut track = None;
    while let Some(event) = pull.next().await? {
        match event {
            PullEvent::Session {
                state,
                continues: _,
            } => {
                track = Some(tracks.entry(state.id).or_insert_with(|| Track {
                    start_time: state.fields.start_time(),
                    notes: state.fields.notes().unwrap_or("no name").to_owned(),
                    records: 0,
                    lowest: f64::INFINITY,
                    highest: f64::NEG_INFINITY,
                }));
            }
            PullEvent::Records(chunk) => {
                if let Some(track) = &mut track {
                    track.take_in(&chunk);
                }
            }
            PullEvent::SessionEnd => {}
            // Deletions matter to a device that keeps what it pulled; this one starts from nothing.
            PullEvent::End(summary, _log_id) => return Ok(summary),
        }
    }
    Err("the pull ended without a summary".into())
}

impl Track {
    fn take_in(&mut self, chunk: &RecordChunk) {
        self.records += chunk.len() as u64;
        for (_sensor, block) in &chunk.series {
            let numbers = block.columns().numbers().iter();
            for column in numbers.filter(|column| column.name() == "altitude") {
                for &altitude in column.values() {
                    self.lowest = self.lowest.min(altitude);
                    self.highest = self.highest.max(altitude);
                }
            }
        }
    }
}
