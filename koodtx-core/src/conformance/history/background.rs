//! What background work does, within a history.

use super::super::failure::{Outcome, ensure_eq};
use super::{History, same};
use crate::id::{SessionId, UserId};
use crate::store::{Analysis, MaintenanceStore, ResultStore, SessionFilter, SyncStore};
use crate::time::Timestamp;

impl History {
    /// One call of a task.
    pub(super) async fn background(&mut self) -> Outcome {
        match self.dice.below(8) {
            0 | 1 => self.purge_samples().await,
            2 | 3 => self.close_session().await,
            4 => self.put_analysis().await,
            5 => self.analysis().await,
            6 => self.find_sessions().await,
            _ => self.purge_logs().await,
        }
    }

    /// The clock that a session has, or another.
    async fn updated_at(&mut self, user: UserId, session: SessionId) -> Outcome<Timestamp> {
        let found = self.model.session(user, session).await?;
        Ok(match found.filter(|_| !self.dice.one_in(4)) {
            Some(detail) => detail.state.updated_at,
            None => self.dice.pick(&self.clocks),
        })
    }

    async fn purge_samples(&mut self) -> Outcome {
        let (user, session, now) = (self.user(), self.session(), self.now);
        let updated_at = self.updated_at(user, session).await?;
        let store = self.harness.maintenance()?;
        let got = store.purge_samples(user, session, updated_at, now).await;
        let model = &self.model;
        let wanted = model.purge_samples(user, session, updated_at, now).await;
        same(got, wanted, "purge_samples")
    }

    async fn close_session(&mut self) -> Outcome {
        let (user, session, now) = (self.user(), self.session(), self.now);
        let updated_at = self.updated_at(user, session).await?;
        let store = self.harness.maintenance()?;
        let got = store
            .close_session(user, session, updated_at, "closed", now)
            .await;
        let wanted = self
            .model
            .close_session(user, session, updated_at, "closed", now)
            .await;
        if let Ok(Some(clock)) = &wanted {
            self.clocks.push(*clock);
        }
        same(got, wanted, "close_session")
    }

    async fn put_analysis(&mut self) -> Outcome {
        let (user, session) = (self.user(), self.session());
        let analysis = Analysis {
            session,
            clock: self.updated_at(user, session).await?,
            result: format!("{{\"step\": {}}}", self.dice.below(1_000)),
        };
        let store = self.harness.results()?;
        let got = store.put_analysis(user, analysis.clone()).await;
        let wanted = self.model.put_analysis(user, analysis).await;
        same(got, wanted, "put_analysis")
    }

    async fn analysis(&mut self) -> Outcome {
        let (user, session) = (self.user(), self.session());
        let got = self.harness.results()?.analysis(user, session).await;
        same(got, self.model.analysis(user, session).await, "analysis")
    }

    async fn find_sessions(&mut self) -> Outcome {
        let moment = self.dice.pick(&self.clocks);
        let filters = [
            SessionFilter::Ended { before: moment },
            SessionFilter::Stalled { before: moment },
            SessionFilter::Created { since: moment },
            SessionFilter::Unanalysed,
        ];
        let (filter, limit) = (self.dice.pick(&filters), 1 + self.dice.below(4) as usize);
        let store = self.harness.maintenance()?;
        let (mut got, mut after) = (Vec::new(), None);
        loop {
            let found = store.find_sessions(filter, after, limit).await?;
            got.extend(found.sessions);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        let wanted = self.model.find_sessions(filter, None, usize::MAX).await?;
        ensure_eq!(got, wanted.sessions, "{filter:?}");
        Ok(())
    }

    /// Leaves the latest entry: whether its id may be given out again after a purge, no law decides.
    async fn purge_logs(&mut self) -> Outcome {
        let user = self.user();
        let latest = self.model.status(user, 1).await?.recent_syncs;
        let Some(latest) = latest.first() else {
            return Ok(());
        };
        let latest = Timestamp::from_micros(latest.id.0);
        let before = self.dice.pick(&self.clocks).min(latest);
        let limit = 1 + self.dice.below(10) as usize;
        let store = self.harness.maintenance()?;
        let got = store.count_logs(user, before).await;
        same(got, self.model.count_logs(user, before).await, "count_logs")?;
        let got = store.purge_logs(user, before, limit).await;
        let wanted = self.model.purge_logs(user, before, limit).await;
        same(got, wanted, "purge_logs")
    }
}
