//! What a device holds of its user's data, and how it follows the server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::wire::{PullAnswer, PulledSession, RecordKey};
use super::{Client, ClientError};

/// Sessions of one page: few enough that an upload of some recordings makes several pages.
const PAGE_SIZE: usize = 20;

/// A device's copy of everything.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    since: Option<String>,
    sessions: BTreeMap<String, SessionCopy>,
}

/// A device's copy of one session.
#[derive(Clone, Debug)]
pub struct SessionCopy {
    /// What the server says of it, apart from the fields below.
    pub metadata: Map<String, Value>,
    /// How many records the server says it holds.
    pub data_count: u64,
    /// When it last changed.
    pub updated_at: String,
    /// Its records.
    pub records: BTreeMap<RecordKey, Value>,
}

impl Replica {
    /// Pulls one round: all pages of what changed since the round before.
    ///
    /// This is the loop that the protocol promises to be enough, whatever others push meanwhile.
    ///
    /// # Errors
    /// When a page cannot be had; the copy then still holds what came before it, and the next round
    /// begins where this one began.
    pub async fn round(&mut self, client: &mut Client) -> Result<(), ClientError> {
        self.pull_pages(client, true).await
    }

    /// Pulls everything but the records.
    ///
    /// # Errors
    /// As [`Self::round`].
    pub async fn metadata(client: &mut Client) -> Result<Self, ClientError> {
        let mut replica = Self::default();
        replica.pull_pages(client, false).await?;
        Ok(replica)
    }

    /// The sessions by id.
    pub fn sessions(&self) -> &BTreeMap<String, SessionCopy> {
        &self.sessions
    }

    /// How many sessions of an earlier copy have another `updated_at` in this one.
    pub fn moved_since(&self, earlier: &Self) -> usize {
        let moved = |(id, before): (&String, &SessionCopy)| {
            self.sessions
                .get(id)
                .is_none_or(|now| now.updated_at != before.updated_at)
        };
        earlier
            .sessions
            .iter()
            .filter(|session| moved(*session))
            .count()
    }

    async fn pull_pages(
        &mut self,
        client: &mut Client,
        include_data: bool,
    ) -> Result<(), ClientError> {
        for page in 1.. {
            let request = json!({
                "last_sync_time": self.since, "page": page, "page_size": PAGE_SIZE,
                "include_data": include_data,
            });
            let answer = client.pull(&request).await?;
            let (has_more, round) = (answer.has_more, answer.server_timestamp.clone());
            self.apply(answer);
            if !has_more {
                // Not before the last page: a round that broke off has to be pulled again.
                self.since = Some(round);
                break;
            }
        }
        Ok(())
    }

    fn apply(&mut self, page: PullAnswer) {
        for id in page.deleted_session_ids {
            self.sessions.remove(&id);
        }
        for session in page.sessions {
            // Without `changes_only` a session comes with all its records, so it replaces what was
            // known.
            let PulledSession {
                session_id,
                data_count,
                updated_at,
                sensor_data,
                metadata,
            } = session;
            let records = sensor_data
                .into_iter()
                .map(|record| (record.key(), record.data))
                .collect();
            let copy = SessionCopy {
                metadata,
                data_count,
                updated_at,
                records,
            };
            self.sessions.insert(session_id, copy);
        }
    }
}
