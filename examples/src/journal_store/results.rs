//! What background work leaves behind: reads go to the memory, writes through the journal.

use async_trait::async_trait;
use koodtx_core::id::{SessionId, UserId};
use koodtx_core::store::{Analysis, ResultStore, StoreError, TaskRun};
use koodtx_core::time::Timestamp;

use super::JournalStore;
use super::command::Command;

#[async_trait]
impl ResultStore for JournalStore {
    async fn put_analysis(&self, user: UserId, analysis: Analysis) -> Result<bool, StoreError> {
        let copy = analysis.clone();
        let line = move || Command::PutAnalysis {
            user,
            analysis: copy,
        };
        // Whether it is welcome depends on no clock but its own.
        let now = Timestamp::ZERO;
        self.write("put_analysis", now, line, async move |memory| {
            memory.put_analysis(user, analysis).await
        })
        .await
    }

    async fn analysis(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<Analysis>, StoreError> {
        self.memory.analysis(user, session).await
    }

    async fn put_task_run(&self, run: TaskRun) -> Result<(), StoreError> {
        let copy = run.clone();
        let line = move || Command::PutTaskRun(copy);
        let now = Timestamp::ZERO;
        self.write("put_task_run", now, line, async move |memory| {
            memory.put_task_run(run).await
        })
        .await
    }

    async fn task_runs(&self) -> Result<Vec<TaskRun>, StoreError> {
        self.memory.task_runs().await
    }
}
