//! Push, pull and status.

use std::sync::Arc;

use koodtx_core::pull::PullRequest;
use koodtx_core::push::{PushBatch, PushError};
use koodtx_core::service::Caller;
use koodtx_core::time::Timestamp;
use poem::http::StatusCode;
use poem::web::Accept;
use poem_openapi::OpenApi;
use serde::Serialize;

use super::analysis::ended_session;
use super::answer::Answer;
use super::documented::InForms;
use super::faults::{Fault, ReadFaults, SyncFaults};
use super::pull_body::pull_body;
use super::request_body::JsonBody;
use super::schema::{
    PullAnswer, PullBody, PullColumnsAnswer, PushAnswer, PushBody, PushColumnsBody, StatusAnswer,
    Tag,
};
use crate::app::App;
use crate::auth::Access;
use crate::error::{ApiError, report};
use crate::http::{BodyKind, Form, ReceivedBody, Share};

/// Bodies below this size, some 20,000 samples, are parsed where they are, in a few milliseconds at most:
/// there are as many async threads as cores, so nobody would parse them earlier, and memory that is
/// used up and freed on few threads is used again.
const PARSE_INLINE_MAX_BYTES: usize = 2 * 1024 * 1024;

pub(crate) struct SyncApi {
    pub(super) app: Arc<App>,
}

#[OpenApi(tag = "Tag::Sync")]
impl SyncApi {
    /// Push a session and its samples
    ///
    /// All or nothing: an answer of 200 means that everything but the records in `error_details` is
    /// stored durably. Repeating a push is safe; what is there already counts as `duplicates`.
    ///
    /// The `Content-Type` says in which form the samples are.
    #[oai(path = "/api/sync/push", method = "post", operation_id = "push")]
    async fn push(
        &self,
        access: Access,
        body: JsonBody<InForms<PushBody, PushColumnsBody>>,
    ) -> Result<Answer<PushAnswer>, Fault<SyncFaults>> {
        let caller = access.caller;
        let started_at = self.app.service.now();
        let received = match body.read(&self.app.bodies, BodyKind::Push).await {
            Ok(received) => received,
            Err(error) => {
                return Err(self
                    .refused(&caller, 0, started_at, error.into())
                    .await
                    .into());
            }
        };
        let body_bytes = received.bytes().len() as u64;
        // A parsed push may wait long for its turn; until then it counts like its body.
        let (parsed, _share) = parse(received).await?;
        let batch = match parsed {
            Ok(batch) => batch,
            Err(error) => {
                return Err(self
                    .refused(&caller, body_bytes, started_at, error.into())
                    .await
                    .into());
            }
        };
        let ended = ended_session(&batch);
        match self
            .app
            .service
            .push(&caller, batch, body_bytes, started_at)
            .await
        {
            Ok(answer) => {
                self.app.meters.samples.pushed(&answer);
                if let Some(session) = ended
                    && self.app.attempts.to_end(caller.user).is_ok()
                {
                    self.app.jobs.session_ended(caller.user, session);
                }
                Ok(Answer::serialized(&answer)?)
            }
            Err(error) => Err(self
                .refused(&caller, body_bytes, started_at, error.into())
                .await
                .into()),
        }
    }

    /// Pull what changed
    ///
    /// To follow a server: pull with the `server_timestamp` of the round before as `last_sync_time`,
    /// and with `page` counting up (or with `next_cursor`) until `has_more` is false.
    ///
    /// With `Accept: application/vnd.koodtx.columns+json` the samples come in columns.
    #[oai(path = "/api/sync/pull", method = "post", operation_id = "pull")]
    async fn pull(
        &self,
        access: Access,
        accept: Accept,
        body: JsonBody<PullBody, false>,
    ) -> Result<Answer<InForms<PullAnswer, PullColumnsAnswer>>, Fault<SyncFaults>> {
        let received = body.read(&self.app.bodies, BodyKind::Other).await?;
        let request = PullRequest::from_json(received.bytes()).map_err(ApiError::from)?;
        let body_bytes = received.bytes().len() as u64;
        let mut stream = self
            .app
            .service
            .pull(&access.caller, request, body_bytes)
            .await?;
        let form = Form::accepted(&accept);
        if form == Form::Columns {
            stream = stream.in_columns();
        }
        let body = pull_body(stream, self.app.leftovers.clone());
        Ok(Answer::streamed(body, form))
    }

    /// Totals and recent syncs
    #[oai(
        path = "/api/sync/status",
        method = "get",
        operation_id = "sync_status"
    )]
    async fn status(&self, access: Access) -> Result<Answer<StatusAnswer>, Fault<ReadFaults>> {
        let status = self.app.service.status(&access.caller).await?;
        Ok(Answer::serialized(&StatusWire {
            total_sessions: status.total_sessions,
            active_sessions: status.active_sessions,
            uploaded_sessions: status.uploaded_sessions,
            data_bytes: status.data_bytes,
            recent_syncs: &status.recent_syncs,
        })?)
    }
}

impl SyncApi {
    /// Logs a refused push, where the refusal is about what the client sent.
    async fn refused(
        &self,
        caller: &Caller,
        body_bytes: u64,
        started_at: Timestamp,
        error: ApiError,
    ) -> ApiError {
        const LOGGED: [StatusCode; 3] = [
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ];
        if LOGGED.contains(&error.status()) {
            let text = error.message().to_owned();
            let logged = self
                .app
                .service
                .log_failed_push(caller, body_bytes, started_at, text)
                .await;
            if let Err(log_error) = logged {
                // The client's mistake stays the answer.
                report(&log_error);
            }
        }
        error
    }
}

/// Parses a push; off the async threads where that takes a while, which goes on also when the client
/// has gone. Returns the body's part of the memory budget too.
async fn parse(
    received: ReceivedBody,
) -> Result<(Result<Arc<PushBatch>, PushError>, Share), ApiError> {
    let is_short = received.bytes().len() < PARSE_INLINE_MAX_BYTES;
    let parse = move || {
        let batch = match received.form() {
            Form::Records => PushBatch::parse(received.bytes()),
            Form::Columns => PushBatch::parse_columns(received.bytes()),
        };
        (batch.map(Arc::new), received.into_share())
    };
    if is_short {
        return Ok(parse());
    }
    tokio::task::spawn_blocking(parse).await.map_err(|error| {
        tracing::error!(%error, "parsing a push failed");
        ApiError::internal()
    })
}

#[derive(Serialize)]
struct StatusWire<'a> {
    total_sessions: u64,
    active_sessions: u64,
    uploaded_sessions: u64,
    data_bytes: u64,
    recent_syncs: &'a [koodtx_core::sync_log::SyncLogEntry],
}
