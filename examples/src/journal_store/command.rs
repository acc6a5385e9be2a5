//! The lines of the journal: every write with its arguments, in a form that can be read again.

use std::sync::Arc;

use koodtx_core::block::IncomingSeries;
use koodtx_core::id::{SensorType, SessionId, SignInId, UserId};
use koodtx_core::memory::MemoryStore;
use koodtx_core::push::{PushBatch, SeriesBatch};
use koodtx_core::session::SessionPatch;
use koodtx_core::store::{
    AccountStore, Analysis, MaintenanceStore, NewFamily, NewUser, PushCommand, Quota, ResultStore,
    StoreError, StoreErrorKind, SyncStore, TaskRun, TokenHash, TransferStore, UserImport,
};
use koodtx_core::sync_log::NewSyncLogEntry;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::item::Item;

/// One write.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// The time that the write was given.
    pub(super) now: Timestamp,
    pub(super) command: Command,
}

/// A method that writes, with its arguments.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    Push(Push),
    DeleteSession {
        user: UserId,
        session: SessionId,
    },
    Log {
        user: UserId,
        entry: NewSyncLogEntry,
    },
    CreateUser {
        username: String,
        email: String,
        device_id: Option<String>,
        password_hash: String,
    },
    SetActive {
        id: UserId,
        is_active: bool,
    },
    DeleteUser {
        id: UserId,
    },
    SetPassword {
        id: UserId,
        password_hash: String,
    },
    CreateFamily {
        id: SignInId,
        user: UserId,
        device_id: Option<String>,
        token: TokenHash,
        expires_at: Timestamp,
    },
    Rotate {
        family: SignInId,
        user: UserId,
        presented: TokenHash,
        next: TokenHash,
        expires_at: Timestamp,
    },
    RevokeDevice {
        user: UserId,
        sign_in: SignInId,
        device_id: Option<String>,
    },
    PurgeSamples {
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
    },
    CloseSession {
        user: UserId,
        session: SessionId,
        updated_at: Timestamp,
        note: String,
    },
    PurgeLogs {
        user: UserId,
        before: Timestamp,
        limit: usize,
    },
    PutAnalysis {
        user: UserId,
        analysis: Analysis,
    },
    PutTaskRun(TaskRun),
    BeginImport {
        source: String,
    },
    ImportUser {
        user: UserId,
    },
    /// Into the user of the latest `ImportUser`.
    Import(Item),
    FinishImport,
}

/// A push.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Push {
    user: UserId,
    device_id: Option<String>,
    body_bytes: u64,
    #[serde(default)]
    request_id: Option<String>,
    started_at: Timestamp,
    /// By which it was taken or refused.
    #[serde(default)]
    quota: Quota,
    /// As on the wire.
    session: Value,
    series: Vec<Series>,
    total_records: u64,
    replaced: u64,
    errors: u64,
}

/// The records of one sensor.
#[derive(Debug, Serialize, Deserialize)]
struct Series {
    sensor_type: SensorType,
    /// Time and `updated_at` in microseconds, and `data` as JSON text.
    rows: Vec<(i64, Option<i64>, String)>,
}

/// All writes, done again.
pub(super) struct Replay<'a> {
    memory: &'a MemoryStore,
    /// The user into whom items are being imported. A session that is still open at the end was
    /// never whole, and goes with this.
    import: Option<Box<dyn UserImport>>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(memory: &'a MemoryStore) -> Self {
        Self {
            memory,
            import: None,
        }
    }

    /// Does a write again, at the time at which it was done first.
    pub(super) async fn line(&mut self, line: Line) -> Result<(), StoreError> {
        match self.command(line.command, line.now).await {
            // It was refused the first time as well, for the same reason.
            Err(error) if is_refusal(error.kind()) => Ok(()),
            outcome => outcome,
        }
    }
}

fn is_refusal(kind: StoreErrorKind) -> bool {
    use StoreErrorKind::{AlreadyExists, LimitExceeded, NotFound, QuotaExceeded, UserDeleted};
    matches!(
        kind,
        NotFound | AlreadyExists | LimitExceeded | QuotaExceeded | UserDeleted
    )
}

impl Replay<'_> {
    async fn command(&mut self, command: Command, now: Timestamp) -> Result<(), StoreError> {
        let memory = self.memory;
        match command {
            Command::Push(push) => memory.push(push.into_command()?, now).await.map(drop),
            Command::DeleteSession { user, session } => {
                memory.delete_session(user, session, now).await.map(drop)
            }
            Command::Log { user, entry } => memory.log(user, entry, now).await.map(drop),
            Command::CreateUser {
                username,
                email,
                device_id,
                password_hash,
            } => {
                let user = NewUser {
                    username,
                    email,
                    device_id,
                    password_hash,
                };
                memory.create_user(user, now).await.map(drop)
            }
            Command::SetActive { id, is_active } => {
                memory.set_active(id, is_active, now).await.map(drop)
            }
            Command::DeleteUser { id } => memory.delete_user(id, now).await.map(drop),
            Command::SetPassword { id, password_hash } => {
                memory.set_password(id, password_hash, now).await.map(drop)
            }
            Command::CreateFamily {
                id,
                user,
                device_id,
                token,
                expires_at,
            } => {
                let family = NewFamily {
                    id,
                    user,
                    device_id,
                    token,
                    expires_at,
                };
                memory.create_family(family, now).await
            }
            Command::Rotate {
                family,
                user,
                presented,
                next,
                expires_at,
            } => memory
                .rotate(family, user, presented, next, expires_at, now)
                .await
                .map(drop),
            Command::RevokeDevice {
                user,
                sign_in,
                device_id,
            } => {
                memory
                    .revoke_device(user, sign_in, device_id.as_deref())
                    .await
            }
            Command::PurgeSamples {
                user,
                session,
                updated_at,
            } => memory
                .purge_samples(user, session, updated_at, now)
                .await
                .map(drop),
            Command::CloseSession {
                user,
                session,
                updated_at,
                note,
            } => memory
                .close_session(user, session, updated_at, &note, now)
                .await
                .map(drop),
            Command::PurgeLogs {
                user,
                before,
                limit,
            } => memory.purge_logs(user, before, limit).await.map(drop),
            Command::PutAnalysis { user, analysis } => {
                memory.put_analysis(user, analysis).await.map(drop)
            }
            Command::PutTaskRun(run) => memory.put_task_run(run).await,
            Command::BeginImport { source } => memory.begin_import(&source).await,
            Command::ImportUser { user } => {
                self.import = Some(memory.import_user(user).await?);
                Ok(())
            }
            Command::Import(item) => match &mut self.import {
                Some(import) => import.write(item.into_transfer()?).await,
                None => Err(StoreError::corrupt(
                    "open",
                    "the journal imports an item for nobody",
                )),
            },
            Command::FinishImport => memory.finish_import().await,
        }
    }
}

impl Push {
    pub(super) fn new(command: &PushCommand) -> Self {
        let batch = &command.batch;
        Self {
            user: command.user,
            device_id: command.device_id.clone(),
            body_bytes: command.body_bytes,
            request_id: command.request_id.clone(),
            started_at: command.started_at,
            quota: command.quota,
            session: session_to_json(&batch.session),
            series: batch.series.iter().map(Series::new).collect(),
            total_records: batch.total_records,
            replaced: batch.replaced,
            errors: batch.errors,
        }
    }

    fn into_command(self) -> Result<PushCommand, StoreError> {
        let batch = PushBatch {
            session: SessionPatch::from_json(&self.session.to_string()).map_err(unreadable)?,
            series: self
                .series
                .into_iter()
                .map(Series::into_batch)
                .collect::<Result<_, _>>()?,
            total_records: self.total_records,
            replaced: self.replaced,
            errors: self.errors,
            // They are for the answer, which was given long ago.
            error_details: Vec::new(),
        };
        Ok(PushCommand {
            user: self.user,
            batch: Arc::new(batch),
            device_id: self.device_id,
            body_bytes: self.body_bytes,
            request_id: self.request_id,
            started_at: self.started_at,
            quota: self.quota,
        })
    }
}

impl Series {
    fn new(batch: &SeriesBatch) -> Self {
        let records = &batch.records;
        let row = |row| {
            let updated_at = records.updated_at(row).map(Timestamp::as_micros);
            (records.time(row).as_micros(), updated_at, records.data(row))
        };
        Self {
            sensor_type: batch.sensor_type.clone(),
            rows: (0..records.len()).map(row).collect(),
        }
    }

    fn into_batch(self) -> Result<SeriesBatch, StoreError> {
        let time = Timestamp::from_micros;
        let rows = self
            .rows
            .iter()
            .map(|(at, stamp, data)| (time(*at), stamp.map(time), &**data));
        let records = IncomingSeries::from_rows(rows).map_err(unreadable)?;
        Ok(SeriesBatch {
            sensor_type: self.sensor_type,
            records,
        })
    }
}

/// The `session` object of a push that says the same.
fn session_to_json(patch: &SessionPatch) -> Value {
    let mut session = json!({ "session_id": patch.session_id, "start_time": patch.start_time });
    // Absent and `null` differ for the fields that can be cleared.
    if let Some(end_time) = patch.end_time {
        session["end_time"] = json!(end_time);
    }
    if let Some(notes) = &patch.notes {
        session["notes"] = json!(notes);
    }
    session["is_active"] = json!(patch.is_active);
    session["enabled_sensors"] = json!(patch.enabled_sensors);
    session["sample_rate"] = json!(patch.sample_rate);
    session["updated_at"] = json!(patch.updated_at);
    session
}

pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::corrupt("open", "the journal holds records that cannot be read").with_source(error)
}
