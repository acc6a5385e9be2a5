//! What background work leaves behind in the memory store.

use async_trait::async_trait;

use super::MemoryStore;
use crate::id::{SessionId, UserId};
use crate::store::{
    ANALYSIS_MAX_BYTES, Analysis, ResultStore, StoreError, TaskRun, analysis_too_large,
};

#[async_trait]
impl ResultStore for MemoryStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        if analysis.result.len() > ANALYSIS_MAX_BYTES {
            return Err(analysis_too_large(analysis.result.len()));
        }
        let mut state = self.state.lock();
        let Some(user) = state.users.get_mut(&user) else {
            return Ok(false);
        };
        let session = user.session(analysis.session).map(|stored| &stored.state);
        let stored = user.analyses.get(&analysis.session);
        let is_welcome = analysis.is_welcome(session, stored.map(|stored| stored.clock));
        if is_welcome {
            user.analyses.insert(analysis.session, analysis);
        }
        Ok(is_welcome)
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        let state = self.state.lock();
        let user = state.users.get(&user);
        Ok(user.and_then(|user| user.analyses.get(&session).cloned()))
    }

    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError> {
        let runs = &mut self.state.lock().task_runs;
        if runs
            .get(&run.task)
            .is_none_or(|last| last.started_at <= run.started_at)
        {
            runs.insert(run.task.clone(), run);
        }
        Ok(())
    }

    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError> {
        Ok(self.state.lock().task_runs.values().cloned().collect())
    }
}
