//! A wrapper around a store: counts the calls of a sync and shows where the time goes.
//!
//! ```sh
//! cargo run --release -p koodtx-examples --bin metered_store
//! ```
//!
//! The wrapper is `koodtx_examples::metered::MeteredStore`. It passes the conformance suite around
//! the memory store (`tests/metered_store.rs`), as it would around any other.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use koodtx_core::id::{SignInId, UserId};
use koodtx_core::pull::PullRequest;
use koodtx_core::push::PushBatch;
use koodtx_core::service::{Caller, SyncService};
use koodtx_examples::metered::MeteredStore;
use koodtx_examples::recordings::{BASIC_MOTIONS, push_bodies};
use koodtx_store_sled::{SledOptions, SledStore};
use tokio::task::spawn_blocking;

/// Measures the calls that a store gets.
#[derive(Parser)]
struct Args {
    /// Push bodies, one a line
    #[arg(default_value = BASIC_MOTIONS)]
    recordings: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_owned();
    let sled = spawn_blocking(move || SledStore::open(path, SledOptions::default())).await??;
    let store = MeteredStore::new(sled);
    let meter = store.meter();
    let service = SyncService::new(Arc::new(store));
    let caller = Caller {
        user: UserId(1),
        device_id: None,
        sign_in: SignInId(uuid::Uuid::from_u128(1)),
        request_id: None,
    };

    // Twice, so that half of the pushes find everything in place.
    let bodies = push_bodies(&args.recordings)?;
    for body in bodies.iter().chain(&bodies) {
        let (started_at, bytes) = (service.now(), body.len() as u64);
        let body = body.clone();
        let batch = spawn_blocking(move || PushBatch::parse(body.as_bytes())).await??;
        service
            .push(&caller, Arc::new(batch), bytes, started_at)
            .await?;
    }
    let request = PullRequest {
        page_size: 100,
        ..PullRequest::default()
    };
    let mut answer = service.pull(&caller, request, 0).await?;
    let mut answer_bytes = 0;
    while let Some(chunk) = answer.next_chunk().await? {
        answer_bytes += chunk.len();
    }
    println!(
        "{} pushes, then a pull of {answer_bytes} bytes\n",
        2 * bodies.len()
    );
    print!("{meter}");
    Ok(())
}
