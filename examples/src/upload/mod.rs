//! A client of a running server: uploads recordings, comes through outages, pulls everything back.
//!
//! [`Client`] speaks the HTTP API and repeats what may be repeated, which is everything: a push is
//! idempotent. [`Replica`] is what a device holds; it follows a server by the loop of the protocol.
//! [`Expected`] says what must be there, from the recordings themselves.

mod backoff;
mod client;
mod compress;
mod error;
mod expected;
mod replica;
mod transport;
mod value;
mod wire;

pub use backoff::Backoff;
pub use client::{Account, Client, ClientStats};
pub use compress::Compression;
pub use error::ClientError;
pub use expected::{Comparison, Expected};
pub use replica::{Replica, SessionCopy};
pub use value::same_value;
pub use wire::{PullAnswer, PulledRecord, PulledSession, PushAnswer, RecordKey};

use std::time::Duration;

use serde::Serialize;

/// What uploading some recordings came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UploadReport {
    /// Push bodies.
    pub bodies: usize,
    /// Records in them: the sum of the next four.
    pub records: u64,
    /// Records that were new to the server.
    pub inserted: u64,
    /// Records that won over another value.
    pub updated: u64,
    /// Records that the server had.
    pub duplicates: u64,
    /// Records that the server refused.
    pub errors: u64,
    /// Sessions that the server had before and whose `updated_at` moved.
    pub sessions_moved: usize,
    /// Bytes of all bodies before compression.
    pub body_bytes: usize,
    /// Bytes of all bodies as they were sent.
    pub sent_bytes: usize,
}

/// Where an upload stands, after each body.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Bodies acknowledged.
    pub done: usize,
    /// Bodies in all.
    pub of: usize,
    /// The last answer.
    pub answer: &'a PushAnswer,
}

/// Uploads push bodies in their order, with a pause between any two.
///
/// # Errors
/// When the server refuses a body, or stays away for longer than the client is patient.
pub async fn upload(
    client: &mut Client,
    bodies: &[String],
    compression: Compression,
    pause: Duration,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<UploadReport, ClientError> {
    let before = Replica::metadata(client).await?;
    let mut report = UploadReport {
        bodies: bodies.len(),
        ..UploadReport::default()
    };
    for (index, body) in bodies.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        let sent = compression.compress(body.as_bytes()).await?;
        report.body_bytes += body.len();
        report.sent_bytes += sent.len();
        let answer = client.push(sent, compression.content_encoding()).await?;
        report.records += answer.total_records;
        report.inserted += answer.inserted;
        report.updated += answer.updated;
        report.duplicates += answer.duplicates;
        report.errors += answer.errors;
        progress(Progress {
            done: index + 1,
            of: bodies.len(),
            answer: &answer,
        });
    }
    let after = Replica::metadata(client).await?;
    report.sessions_moved = after.moved_since(&before);
    Ok(report)
}
