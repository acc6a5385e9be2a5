//! The records of a queue in Redis.

use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{AsyncCommands, ScriptInvocation};

use super::claim::{Claim, Term};
use super::clock;
use super::error::QueueError;
use super::job::{Job, JobId};
use super::keys::Keys;
use super::record::{JobRecord, JobState};
use super::redis_link::answer;
use super::scripts;
use super::stats::QueueStats;

/// How long the record of a job that is not finished outlives its last change.
/// Only one whose entry in the queue got lost ever gets that old.
const UNFINISHED_KEEP: Duration = Duration::from_hours(7 * 24);
/// How many jobs can be listed.
const RECENT_MAX_COUNT: usize = 1000;

/// What became of a job that was submitted.
pub(super) enum Submitted {
    /// It has a record and all its claims.
    New,
    /// Another job holds this claim.
    Held(JobId, Claim),
}

/// The records of a queue in Redis.
#[derive(Clone)]
pub(super) struct RedisRecords {
    pub link: ConnectionManager,
    pub keys: Keys,
    pub keep: Duration,
}

impl RedisRecords {
    /// How long a record is kept from now on.
    fn time_to_live(&self, state: JobState) -> u64 {
        let keep = match state {
            _ if state.is_final() => self.keep,
            _ => UNFINISHED_KEEP,
        };
        millis(keep)
    }

    /// The part of a call that writes a record.
    fn put<'a>(
        &self,
        script: &'a redis::Script,
        old: &str,
        new: &JobRecord,
    ) -> Result<ScriptInvocation<'a>, QueueError> {
        let text = serde_json::to_string(new).map_err(|e| QueueError::unreadable(&e))?;
        let mut call = script.prepare_invoke();
        call.key(self.keys.record(&new.job_id));
        call.key(self.keys.recent());
        for state in JobState::ALL {
            call.key(self.keys.state(state));
        }
        call.arg(old).arg(text).arg(self.time_to_live(new.state));
        call.arg(new.job_id.as_str()).arg(new.state as usize + 1);
        call.arg(new.created_at).arg(clock::now() / 1000);
        call.arg(RECENT_MAX_COUNT);
        Ok(call)
    }

    /// Writes the first record of a job, unless one of its claims is held or too
    /// much waits in the two lists of apalis.
    pub async fn submit(
        &self,
        job: &Job,
        claims: &[Claim],
        lists: [String; 2],
        limit: usize,
    ) -> Result<Submitted, QueueError> {
        let mut call = self.put(&scripts::SUBMIT, "", &JobRecord::queued(job))?;
        call.key(&lists[0]).key(&lists[1]).arg(limit);
        for claim in claims {
            let (span, until_done) = match claim.term {
                Term::UntilDone => (UNFINISHED_KEEP, 1),
                Term::For(span) => (span, 0),
            };
            call.key(self.keys.claim(claim));
            call.arg(millis(span)).arg(until_done);
        }
        let mut link = self.link.clone();
        let (what, holder, which): (String, String, usize) =
            answer(call.invoke_async(&mut link)).await?;
        match (what.as_str(), claims.get(which.wrapping_sub(1))) {
            ("new", _) => Ok(Submitted::New),
            ("held", Some(claim)) => Ok(Submitted::Held(holder.into(), claim.clone())),
            _ => Err(QueueError::Full),
        }
    }

    /// Takes back a job whose entry could not be put into the queue.
    pub async fn forget(&self, id: &JobId) -> Result<(), QueueError> {
        let mut pipe = redis::pipe();
        pipe.del(self.keys.record(id)).ignore();
        pipe.zrem(self.keys.recent(), id.as_str()).ignore();
        pipe.zrem(self.keys.state(JobState::Queued), id.as_str())
            .ignore();
        answer(pipe.query_async(&mut self.link.clone())).await
    }

    /// Gives back a claim, if this job holds it.
    pub async fn release(&self, id: &JobId, claim: &Claim) -> Result<(), QueueError> {
        let mut call = scripts::RELEASE.key(self.keys.claim(claim));
        call.arg(id.as_str());
        answer(call.invoke_async(&mut self.link.clone())).await
    }

    /// The text of a record.
    async fn text(&self, id: &JobId) -> Result<Option<String>, QueueError> {
        answer(self.link.clone().get(self.keys.record(id))).await
    }

    /// The record of a job.
    pub async fn get(&self, id: &JobId) -> Result<Option<JobRecord>, QueueError> {
        let text = self.text(id).await?;
        text.map(|text| parse(&text)).transpose()
    }

    /// Changes a record, if there is anything to change; answers how it is now
    /// and whether it changed.
    pub async fn update(
        &self,
        job: &Job,
        change: impl Fn(JobRecord) -> Option<JobRecord>,
    ) -> Result<(JobRecord, bool), QueueError> {
        loop {
            let text = self.text(&job.job_id).await?;
            let old = match &text {
                Some(text) => parse(text)?,
                // Expired or never written: the entry in the queue says it all.
                None => JobRecord::queued(job),
            };
            let Some(new) = change(old.clone()) else {
                return Ok((old, false));
            };
            let mut call = self.put(&scripts::PUT, text.as_deref().unwrap_or_default(), &new)?;
            let claim = job.unique.as_deref().map(Claim::unique);
            call.key(claim.as_ref().map_or(String::new(), |c| self.keys.claim(c)));
            call.arg(usize::from(claim.is_some() && new.state.is_final()));
            // A zero means that somebody else changed the record in between.
            if answer(call.invoke_async::<usize>(&mut self.link.clone())).await? == 1 {
                return Ok((new, true));
            }
        }
    }

    /// The newest records first.
    pub async fn recent(&self, limit: usize) -> Result<Vec<JobRecord>, QueueError> {
        let last = limit.min(RECENT_MAX_COUNT) as isize - 1;
        if last < 0 {
            return Ok(Vec::new());
        }
        let mut link = self.link.clone();
        let ids: Vec<String> = answer(link.zrevrange(self.keys.recent(), 0, last)).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = ids
            .into_iter()
            .map(|id| self.keys.record(&id.into()))
            .collect();
        let texts: Vec<Option<String>> = answer(link.mget(names)).await?;
        // One that is unreadable must not hide the others.
        let records = texts.iter().flatten().filter_map(|text| parse(text).ok());
        Ok(records.collect())
    }

    /// The numbers; the depth is the length of the two lists of apalis.
    pub async fn stats(&self, lists: [String; 2]) -> Result<QueueStats, QueueError> {
        let now = clock::now() / 1000;
        let mut pipe = redis::pipe();
        for state in JobState::ALL {
            pipe.zcount(self.keys.state(state), now, "+inf");
        }
        pipe.zcard(&lists[0]).llen(&lists[1]);
        let counts: Vec<usize> = answer(pipe.query_async(&mut self.link.clone())).await?;
        let mut stats = QueueStats::default();
        for (state, count) in JobState::ALL.into_iter().zip(&counts) {
            *stats.of(state) = *count;
        }
        stats.depth = counts.iter().skip(JobState::ALL.len()).sum();
        Ok(stats)
    }
}

/// A record from its text.
fn parse(text: &str) -> Result<JobRecord, QueueError> {
    serde_json::from_str(text).map_err(|e| QueueError::unreadable(&e))
}

/// A span of time as Redis takes it; zero would be an error.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, 1 << 52)
}
