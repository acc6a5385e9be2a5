//! Analysing sessions.

use std::collections::BTreeMap;

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{Analysis, SessionFilter};
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::TaskError;
use super::run::Arguments;
use super::task::Task;
use super::walk::Walk;
use crate::analysis;
use crate::queue::{NewJob, QueueError};

pub(super) const SESSION_ARGUMENT: &str = "session";
pub(super) const USER_ARGUMENT: &str = "user";
/// Most analyses submitted in one round; the next round goes on.
const ROUND_MAX_COUNT: usize = 1_000;

/// The job that analyses a session. While one waits or runs, a second one is not accepted.
pub(super) fn analysis_job(user: UserId, session: SessionId) -> NewJob {
    NewJob {
        name: Task::Analyse.name().to_owned(),
        args: BTreeMap::from([
            (USER_ARGUMENT.to_owned(), user.to_string()),
            (SESSION_ARGUMENT.to_owned(), session.to_string()),
        ]),
        owner: Some(user.0),
        unique: Some(format!("analyse:{user}:{session}")),
    }
}

/// User and session of a job about one.
pub(super) fn one_session(arguments: &Arguments) -> Result<(UserId, SessionId), TaskError> {
    let missing = |name: &str| TaskError::Argument(format!("the argument `{name}` is missing"));
    let user = arguments
        .get(USER_ARGUMENT)
        .ok_or_else(|| missing(USER_ARGUMENT))?;
    let session = arguments
        .get(SESSION_ARGUMENT)
        .ok_or_else(|| missing(SESSION_ARGUMENT))?;
    let user = user
        .parse()
        .map_err(|_| TaskError::Argument("`user` has to be the id of an account".to_owned()))?;
    let session = session
        .parse()
        .map_err(|error| TaskError::Argument(format!("`session` is {error}")))?;
    Ok((UserId(user), session))
}

pub(super) async fn run(
    context: &Context,
    arguments: &Arguments,
    is_dry: bool,
) -> Result<Value, TaskError> {
    if super::session_argument(arguments).is_some() || arguments.contains_key(USER_ARGUMENT) {
        let (user, session) = one_session(arguments)?;
        if is_dry {
            return Ok(json!({ "session_id": session }));
        }
        return one(context, user, session).await;
    }
    all(context, is_dry).await
}

/// Analyses one session, and stores what was found.
async fn one(context: &Context, user: UserId, session: SessionId) -> Result<Value, TaskError> {
    let none = || TaskError::Gone("the session is not there any more");
    let store = &context.store;
    let state = store.session(user, session).await?.ok_or_else(none)?.state;
    let stored = store.analysis(user, session).await?;
    if let Some(stored) = &stored
        && stored.clock >= state.updated_at
    {
        return Ok(json!({
            "session_id": session,
            "computed_at_clock": stored.clock,
            "kept": "nothing has changed since",
        }));
    }
    // What is left after a purge says less than what was found before it.
    if state.data_purged_at.is_some()
        && let Some(stored) = stored
    {
        return Ok(json!({
            "session_id": session,
            "computed_at_clock": stored.clock,
            "kept": "samples were purged since",
        }));
    }
    let (clock, records) = analyse(context, user, session).await?.ok_or_else(none)?;
    Ok(json!({
        "session_id": session,
        "computed_at_clock": clock,
        "total_records": records,
    }))
}

/// Analyses a session and stores the result, unless a later one is there; returns its clock and how
/// many records there were. `None`: there is no such session.
pub(super) async fn analyse(
    context: &Context,
    user: UserId,
    session: SessionId,
) -> Result<Option<(Timestamp, u64)>, TaskError> {
    let store = &context.store;
    let found = analysis::analyse(&**store, user, session, context.now()).await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let result = serde_json::to_string(&found)
        .map_err(|error| TaskError::Argument(format!("a result does not serialize: {error}")))?;
    let clock = found.computed_at_clock;
    let analysis = Analysis {
        session,
        clock,
        result,
    };
    store.put_analysis(user, analysis).await?;
    Ok(Some((clock, found.total_records)))
}

/// Finds the sessions whose analysis is missing or behind, and has them analysed: by the queue, or here
/// where there is none. So an analysis that got lost is a delay.
async fn all(context: &Context, is_dry: bool) -> Result<Value, TaskError> {
    let filter = SessionFilter::Unanalysed;
    let mut walk = Walk::begin(context, Task::Analyse, filter, is_dry).await?;
    let (mut sessions, mut failed) = (0_usize, 0_usize);
    while let Some((user, state)) = walk.session().await? {
        let done = match (&context.queue, is_dry) {
            (_, true) => Ok(()),
            (Some(queue), _) => match queue.submit(analysis_job(user, state.id)).await {
                Err(QueueError::Full) => {
                    walk.stop();
                    break;
                }
                submitted => submitted.map(drop).map_err(TaskError::from),
            },
            (None, _) => analyse(context, user, state.id).await.map(drop),
        };
        match done {
            Ok(()) => sessions += 1,
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => {
                failed += 1;
                tracing::error!(%error, %user, session = %state.id, "a session was not analysed");
            }
        }
        if sessions + failed == ROUND_MAX_COUNT {
            walk.stop();
            break;
        }
    }
    Ok(walk.note(json!({ "sessions": sessions, "failed": failed, "dry_run": is_dry })))
}
