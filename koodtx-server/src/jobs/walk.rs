//! Going through the sessions that a task is to do something about.

use std::collections::VecDeque;

use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::{SessionFilter, SessionPosition};
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::{Context, Deadline};
use super::failure::TaskError;
use super::run::last_outcome;
use super::task::Task;

/// Sessions looked for in one step.
const STEP_SESSIONS_COUNT: usize = 100;
/// Where a run stands in its outcome, for the next run.
const NEXT_MEMBER: &str = "next";

/// A position as an outcome holds it.
#[derive(Serialize, Deserialize)]
struct Next {
    user: UserId,
    created_at: Timestamp,
}

/// A walk through the sessions that match a filter, which ends when the time is over. The next run of
/// the task goes on where this one ended, so that nobody at the end of the order is left out for ever.
pub(super) struct Walk<'a> {
    context: &'a Context,
    filter: SessionFilter,
    deadline: Deadline,
    found: VecDeque<(UserId, SessionState)>,
    /// Where the next step begins.
    after: Option<SessionPosition>,
    /// There is no next step.
    is_over: bool,
    /// The last session that was handed out.
    last: Option<SessionPosition>,
    finished: bool,
}

impl<'a> Walk<'a> {
    /// Begins where the last run of the task ended; a dry run, of which nobody takes note, at the first
    /// session.
    pub(super) async fn begin(
        context: &'a Context,
        task: Task,
        filter: SessionFilter,
        is_dry: bool,
    ) -> Result<Self, TaskError> {
        let from = if is_dry {
            None
        } else {
            last_position(context, task).await?
        };
        Ok(Self {
            context,
            filter,
            deadline: Deadline::of(context),
            found: VecDeque::new(),
            after: from,
            is_over: false,
            last: from,
            finished: true,
        })
    }

    /// The next session; `None` at the end, or when the time is over.
    pub(super) async fn session(&mut self) -> Result<Option<(UserId, SessionState)>, TaskError> {
        while self.found.is_empty() {
            if self.is_over {
                return Ok(None);
            }
            if self.deadline.is_over() {
                self.finished = false;
                return Ok(None);
            }
            let store = &self.context.store;
            let step = store.find_sessions(self.filter, self.after, STEP_SESSIONS_COUNT);
            let found = step.await?;
            self.found = found.sessions.into();
            self.after = found.next;
            self.is_over = found.next.is_none();
            if self.found.is_empty() {
                self.last = found.next.or(self.last);
            }
        }
        if self.deadline.is_over() {
            self.stop();
            return Ok(None);
        }
        let found = self.found.pop_front();
        self.last = found
            .as_ref()
            .map(|(user, state)| (*user, state.created_at));
        Ok(found)
    }

    /// Ends the walk behind the last session that was handed out.
    pub(super) fn stop(&mut self) {
        self.found.clear();
        self.is_over = true;
        self.finished = false;
    }

    /// Adds to an outcome whether the walk came to its end, and if not, where it stands.
    pub(super) fn note(&self, mut outcome: Value) -> Value {
        outcome["finished"] = self.finished.into();
        if !self.finished
            && let Some((user, created_at)) = self.last
        {
            let next = serde_json::to_value(Next { user, created_at });
            outcome[NEXT_MEMBER] = next.unwrap_or_default();
        }
        outcome
    }
}

/// Where the last run of a task ended before the last session.
async fn last_position(
    context: &Context,
    task: Task,
) -> Result<Option<SessionPosition>, TaskError> {
    let outcome = last_outcome(context, task).await?;
    let next = outcome.and_then(|mut outcome| outcome.get_mut(NEXT_MEMBER).map(Value::take));
    let next: Option<Next> = next.and_then(|next| serde_json::from_value(next).ok());
    Ok(next.map(|next| (next.user, next.created_at)))
}
