//! What the server computes of sessions, and the jobs that do so.

use std::sync::Arc;

use futures_util::StreamExt;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::time::Timestamp;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use serde::Serialize;

use super::answer::Answer;
use super::download::Download;
use super::faults::{Fault, ListFaults, OneFaults};
use super::param::Text;
use super::schema::{
    AnalysisAnswer, AnomaliesAnswer, JobAnswer, Nullable, SENSITIVITY_MAX, Sensitivity,
    StatisticsAnswer, SubmittedAnswer, Tag, WireExportFormat, WireJobState, WireSessionId,
    WireTime, WireTimeOrDate,
};
use super::sessions::{no_session, parse_id};
use crate::analysis::{self, SessionAnalysis};
use crate::app::App;
use crate::auth::Access;
use crate::error::{ApiError, Shed};
use crate::export::{ExportFormat, export};
use crate::http::Turn;
use crate::queue::{JobId, JobQueue, JobRecord, JobState};

/// Standard deviations from the mean that are normal where the client says nothing.
const SENSITIVITY_DEFAULT: f64 = 3.0;
/// Longest id of a job, in bytes; those given out have 26.
const JOB_ID_MAX_BYTES: usize = 64;
/// When a client should ask again for what this server does not do for now, in seconds.
const RETRY_AFTER_SECONDS: u64 = 60;
/// When a client should ask again that found no turn, in seconds.
const BUSY_RETRY_AFTER_SECONDS: u64 = 5;

pub(crate) struct AnalysisApi {
    pub(super) app: Arc<App>,
}

/// An analysis as it is sent.
#[derive(Serialize)]
struct AnalysisWire {
    #[serde(flatten)]
    analysis: SessionAnalysis,
    stale: bool,
}

#[OpenApi(tag = "Tag::Analysis")]
impl AnalysisApi {
    /// Have a session analysed
    ///
    /// Sessions that end are analysed by themselves. Asking again while it is under way answers the
    /// same job.
    #[oai(
        path = "/api/sessions/:session_id/analysis",
        method = "post",
        operation_id = "analyse_session"
    )]
    async fn submit(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
    ) -> Result<Answer<SubmittedAnswer, 202>, Fault<OneFaults>> {
        let (id, user) = (parse_id(&session_id.0)?, access.caller.user);
        let queue = self.queue()?;
        self.app.attempts.to_analyse(user)?;
        let found = self.app.service.session(&access.caller, id).await?;
        found.ok_or_else(no_session)?;
        let job_id = self.app.jobs.analyse(queue, user, id).await?;
        Ok(Answer::of(&SubmittedAnswer {
            job_id: job_id.to_string(),
        }))
    }

    /// The latest analysis of a session
    ///
    /// 404 with the code `analysis_not_found` where there is none yet.
    #[oai(
        path = "/api/sessions/:session_id/analysis",
        method = "get",
        operation_id = "get_analysis"
    )]
    async fn analysis(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
    ) -> Result<Answer<AnalysisAnswer>, Fault<OneFaults>> {
        let (id, user) = (parse_id(&session_id.0)?, access.caller.user);
        // The session first: an analysis that comes in between is not called stale.
        let found = self.app.service.session(&access.caller, id).await?;
        let state = found.ok_or_else(no_session)?.state;
        let stored = self.app.store.analysis(user, id).await?;
        let stored = stored.ok_or_else(no_analysis)?;
        let analysis = serde_json::from_str(&stored.result).map_err(|error| {
            tracing::error!(%error, %user, session = %id, "a stored analysis cannot be read");
            ApiError::internal()
        })?;
        Ok(Answer::serialized(&AnalysisWire {
            analysis,
            stale: stored.clock < state.updated_at,
        })?)
    }

    /// Samples that are far from normal
    ///
    /// Of sensors with `x`, `y` and `z` the magnitude is looked at, of others every numeric field.
    #[oai(
        path = "/api/sessions/:session_id/anomalies",
        method = "get",
        operation_id = "get_anomalies"
    )]
    async fn anomalies(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
        /// How many standard deviations from the mean are still normal, above 0 and up to 1,000; 3
        /// where absent.
        sensitivity: Query<Option<Text<Sensitivity>>>,
    ) -> Result<Answer<AnomaliesAnswer>, Fault<OneFaults>> {
        let (id, user) = (parse_id(&session_id.0)?, access.caller.user);
        let sensitivity = sensitivity_of(sensitivity.0.as_ref())?;
        let _turn = self.turn(user).await?;
        let found = analysis::anomalies(&*self.app.store, user, id, sensitivity).await?;
        Ok(Answer::serialized(&found.ok_or_else(no_session)?)?)
    }

    /// Totals of one's sessions
    ///
    /// Of those that began within a period: how many, how long, and how many samples of each sensor.
    #[oai(
        path = "/api/statistics",
        method = "get",
        operation_id = "get_statistics"
    )]
    async fn statistics(
        &self,
        access: Access,
        /// Only sessions that began then or later: RFC 3339, or a date, which begins at midnight UTC.
        from: Query<Option<Text<WireTimeOrDate>>>,
        /// Only sessions that began before.
        to: Query<Option<Text<WireTimeOrDate>>>,
    ) -> Result<Answer<StatisticsAnswer>, Fault<ListFaults>> {
        let from = time_of("from", from.0.as_ref())?;
        let to = time_of("to", to.0.as_ref())?;
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            let message = "`to` must not lie before `from`";
            return Err(ApiError::field("invalid_field", "to", message).into());
        }
        let user = access.caller.user;
        let _turn = self.turn(user).await?;
        let totals = analysis::statistics(&*self.app.store, user, from, to).await?;
        Ok(Answer::serialized(&totals)?)
    }

    /// A session as a file
    ///
    /// CSV and Parquet are tables: a column for each numeric field, and `data` with whatever else a
    /// sample holds as JSON. NDJSON has a sample a line, as a pull gives it.
    #[oai(
        path = "/api/sessions/:session_id/export",
        method = "get",
        operation_id = "export_session"
    )]
    async fn export(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
        /// `csv`, `ndjson` or `parquet`; `ndjson` where absent.
        format: Query<Option<Text<WireExportFormat>>>,
    ) -> Result<Download, Fault<OneFaults>> {
        let (id, user) = (parse_id(&session_id.0)?, access.caller.user);
        let format = match &format.0 {
            Some(text) => text.parse("format", "has to be `csv`, `ndjson` or `parquet`")?,
            None => ExportFormat::Ndjson,
        };
        let turn = self.turn(user).await?;
        let stream = export(self.app.store.clone(), user, id, format).await?;
        let mut stream = Box::pin(stream.ok_or_else(no_session)?.peekable());
        // Damage that shows before the first piece can still be answered in words.
        if stream.as_mut().peek().await.is_some_and(Result::is_err)
            && let Some(Err(error)) = stream.next().await
        {
            return Err(ApiError::from(error).into());
        }
        let name = format!("session-{id}");
        Ok(Download::of(stream, format, &name, turn))
    }

    /// One of one's jobs
    #[oai(path = "/api/jobs/:job_id", method = "get", operation_id = "get_job")]
    async fn job(
        &self,
        access: Access,
        /// The job.
        job_id: Path<Text<String>>,
    ) -> Result<Answer<JobAnswer>, Fault<OneFaults>> {
        let queue = self.queue()?;
        let text = job_id.0.as_str();
        if text.len() > JOB_ID_MAX_BYTES {
            return Err(no_job().into());
        }
        let (id, user) = (JobId::from(text), access.caller.user);
        let found = self.app.jobs.job_of(queue, user, &id).await?;
        Ok(Answer::of(&answer_of(found.ok_or_else(no_job)?)))
    }
}

impl AnalysisApi {
    fn queue(&self) -> Result<&JobQueue, ApiError> {
        self.app.jobs.queue().ok_or_else(|| {
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "jobs_off",
                "this server does no background work; its operator turned that off",
            )
            .retry_after_seconds(RETRY_AFTER_SECONDS)
        })
    }

    async fn turn(&self, user: UserId) -> Result<Turn, ApiError> {
        turn(&self.app, user).await
    }
}

/// A turn for a request that reads whole sessions.
pub(super) async fn turn(app: &App, user: UserId) -> Result<Turn, ApiError> {
    app.heavy.turn(user).await.ok_or_else(|| {
        ApiError::shed(
            Shed::HeavyRequests,
            "too many exports and statistics are under way; try again in a moment",
            BUSY_RETRY_AFTER_SECONDS,
        )
    })
}

fn answer_of(job: JobRecord) -> JobAnswer {
    let time = |micros: i64| WireTime(Timestamp::from_micros(micros));
    JobAnswer {
        job_id: job.job_id.to_string(),
        state: match job.state {
            JobState::Queued => WireJobState::Queued,
            JobState::Running => WireJobState::Running,
            JobState::Succeeded => WireJobState::Succeeded,
            JobState::Failed => WireJobState::Failed,
        },
        attempts: job.attempts,
        created_at: time(job.created_at),
        started_at: Nullable(job.started_at.map(time)),
        finished_at: Nullable(job.finished_at.map(time)),
        result: Nullable(job.result),
        error: Nullable(job.error),
    }
}

fn sensitivity_of(text: Option<&Text<Sensitivity>>) -> Result<f64, ApiError> {
    const RULE: &str = "has to be a number above 0 and up to 1000";
    let Some(text) = text else {
        return Ok(SENSITIVITY_DEFAULT);
    };
    let number: f64 = text.parse("sensitivity", RULE)?;
    if number > 0.0 && number <= SENSITIVITY_MAX {
        Ok(number)
    } else {
        let message = format!("`sensitivity` {RULE}");
        Err(ApiError::field("invalid_field", "sensitivity", message))
    }
}

fn time_of(name: &str, text: Option<&Text<WireTimeOrDate>>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    // A date is the beginning of its day. A `+` of an offset arrives as a blank where a client did
    // not encode it.
    let words = text.as_str().replace(' ', "+");
    let midnight = format!("{words}T00:00:00Z");
    words
        .parse()
        .or_else(|_| midnight.parse())
        .map(Some)
        .map_err(|_: koodtx_core::time::TimestampError| {
            let message = format!(
                "`{name}` has to be a time like 2025-11-13T12:00:00Z, or a date like 2025-11-13"
            );
            ApiError::field("invalid_field", name, message)
        })
}

fn no_analysis() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "analysis_not_found",
        "the session has not been analysed yet; POST to the same path asks for it",
    )
}

fn no_job() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "job_not_found",
        "you have no job of that id; what became of jobs is known for a while only",
    )
}

/// The session that a push ended, if it did.
pub(super) fn ended_session(batch: &koodtx_core::push::PushBatch) -> Option<SessionId> {
    let session = &batch.session;
    let ends = match session.is_active {
        Some(is_active) => !is_active,
        None => matches!(session.end_time, Some(Some(_))),
    };
    ends.then_some(session.session_id)
}
