//! Looking at sessions and deleting them.

use std::sync::Arc;

use koodtx_core::id::SessionId;
use koodtx_core::limits::{PAGE_SIZE_DEFAULT_COUNT, PAGE_SIZE_MAX_COUNT};
use koodtx_core::store::{StoreError, StoreErrorKind};
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::answer::Answer;
use super::faults::{Fault, ListFaults, OneFaults};
use super::list_cursor::ListCursor;
use super::param::Text;
use super::schema::{
    DeleteAnswer, Nullable, PageLimit, SensorSummary, SessionAnswer, SessionListAnswer,
    SessionMeta, Tag, WireSessionId,
};
use crate::app::App;
use crate::auth::Access;
use crate::error::ApiError;

pub(crate) struct SessionsApi {
    pub(super) app: Arc<App>,
}

#[OpenApi(tag = "Tag::Sessions")]
impl SessionsApi {
    /// List sessions, the newest first
    #[oai(path = "/api/sessions", method = "get", operation_id = "list_sessions")]
    async fn list(
        &self,
        access: Access,
        /// Most sessions of the page, 1 to 100; 50 where absent.
        limit: Query<Option<Text<PageLimit>>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<Text<String>>>,
    ) -> Result<Answer<SessionListAnswer>, Fault<ListFaults>> {
        let limit = match &limit.0 {
            Some(text) => page_limit(text)?,
            None => PAGE_SIZE_DEFAULT_COUNT,
        };
        let before = match &cursor.0 {
            Some(text) => Some(cursor_of(text)?.0),
            None => None,
        };
        let list = self
            .app
            .service
            .sessions(&access.caller, before, limit)
            .await?;
        let last = list.sessions.last().filter(|_| list.has_more);
        Ok(Answer::of(&SessionListAnswer {
            next_cursor: Nullable(last.map(|state| ListCursor(state.created_at).to_string())),
            has_more: list.has_more,
            sessions: list.sessions.iter().map(SessionMeta::of).collect(),
        }))
    }

    /// One session with what is stored of each sensor
    #[oai(
        path = "/api/sessions/:session_id",
        method = "get",
        operation_id = "get_session"
    )]
    async fn one(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
    ) -> Result<Answer<SessionAnswer>, Fault<OneFaults>> {
        let id = parse_id(&session_id.0)?;
        let found = self.app.service.session(&access.caller, id).await?;
        let detail = found.ok_or_else(no_session)?;
        Ok(Answer::of(&SessionAnswer {
            session: SessionMeta::of(&detail.state),
            sensors: detail.series.iter().map(SensorSummary::of).collect(),
        }))
    }

    /// Delete a session and its samples
    ///
    /// Other devices learn of it from `deleted_session_ids` of their next pull. A later push of the
    /// same id revives the session with only what is pushed since.
    #[oai(
        path = "/api/sessions/:session_id",
        method = "delete",
        operation_id = "delete_session"
    )]
    async fn delete(
        &self,
        access: Access,
        /// The session.
        session_id: Path<Text<WireSessionId>>,
    ) -> Result<Answer<DeleteAnswer>, Fault<OneFaults>> {
        let id = parse_id(&session_id.0)?;
        let clock = match self.app.service.delete_session(&access.caller, id).await {
            Ok(clock) => clock,
            Err(error) => return Err(missing_or(error).into()),
        };
        Ok(Answer::of(&DeleteAnswer {
            message: "Session deleted".to_owned(),
            session_id: WireSessionId(id),
            server_timestamp: clock.into(),
        }))
    }
}

pub(super) fn parse_id(text: &Text<WireSessionId>) -> Result<SessionId, ApiError> {
    text.parse(
        "session_id",
        "has to be a UUID like 0f81a4f3-c125-5dbf-ba8e-668c0884d7ac",
    )
}

fn page_limit(text: &Text<PageLimit>) -> Result<usize, ApiError> {
    let limit: usize = text.parse("limit", "has to be a whole number from 1 to 100")?;
    if (1..=PAGE_SIZE_MAX_COUNT).contains(&limit) {
        Ok(limit)
    } else {
        let message = format!("`limit` has to be from 1 to {PAGE_SIZE_MAX_COUNT}");
        Err(ApiError::field("invalid_field", "limit", message))
    }
}

fn cursor_of(text: &Text<String>) -> Result<ListCursor, ApiError> {
    text.as_str().parse().map_err(|_| {
        let message = "`cursor` has to be the `next_cursor` of another page of this list";
        ApiError::field("invalid_cursor", "cursor", message)
    })
}

pub(super) fn no_session() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "session_not_found",
        "you have no session of that id",
    )
}

fn missing_or(error: StoreError) -> ApiError {
    if error.kind() == StoreErrorKind::NotFound {
        no_session()
    } else {
        error.into()
    }
}
