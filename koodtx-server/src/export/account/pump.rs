//! The steps of an export: reading without blocking, encoding where blocking is allowed.

use std::sync::Arc;

use bytes::Bytes;
use koodtx_core::id::{LogId, SessionId};
use koodtx_core::pull::RecordChunk;
use koodtx_core::store::{Store, User};
use koodtx_core::time::Timestamp;

use super::archive::Archive;
use super::lines::{self, Summary};
use super::sessions::{self, Sessions};
use crate::export::ExportError;
use crate::export::pump::blocking;
use crate::export::records::Records;

/// A part of the samples ends with the step that takes it past this, before compression. There are few
/// enough parts then for all of their names to be kept until the end.
const PART_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Smaller pieces of the file wait for the next.
const PIECE_MIN_BYTES: usize = 32 * 1024;
/// Log entries read in one step.
const STEP_ENTRIES_COUNT: usize = 1_000;
/// Most stretches of damaged samples that are named; beyond, they are counted.
const DAMAGED_MAX_COUNT: u64 = 10_000;

/// An export in progress.
pub(super) struct AccountPump {
    store: Arc<dyn Store>,
    user: User,
    now: Timestamp,
    /// The user clock when the export began.
    clock: Timestamp,
    /// Absent behind the end, and after an error.
    archive: Option<Archive>,
    step: Step,
    /// The number of the latest part of the samples.
    part: u32,
    damaged: String,
    summary: Summary,
}

/// What comes next.
enum Step {
    Account,
    SignIns,
    Sessions(Sessions),
    Samples(Sessions, Option<(SessionId, Records)>),
    Analyses(Sessions),
    Log(Option<LogId>),
    Damaged,
    Summary,
    End,
}

/// What a step has read, on its way into the file.
enum Work {
    /// A member of that name begins.
    Begin(String),
    /// More of the member.
    Text(Vec<u8>),
    /// More of the samples of a session.
    Records(SessionId, RecordChunk),
    End,
}

impl AccountPump {
    pub(super) fn new(store: Arc<dyn Store>, user: User, now: Timestamp) -> Self {
        Self {
            store,
            user,
            now,
            clock: Timestamp::ZERO,
            archive: Some(Archive::new()),
            step: Step::Account,
            part: 0,
            damaged: String::new(),
            summary: Summary::default(),
        }
    }

    /// The next piece of the file, never empty; `None` behind the end, and after an error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        let Some(mut archive) = self.archive.take() else {
            return Ok(None);
        };
        loop {
            let mut all = Vec::new();
            self.step(archive.member_bytes(), &mut all).await?;
            let write = move || {
                for work in all {
                    match work {
                        Work::Begin(name) => archive.begin(&name)?,
                        Work::Text(text) => archive.write(&text)?,
                        Work::Records(session, chunk) => {
                            archive.write(lines::records(session, &chunk).as_bytes())?;
                        }
                        Work::End => return Ok((None, archive.finish()?)),
                    }
                }
                let piece = archive.take(PIECE_MIN_BYTES);
                Ok((Some(archive), piece))
            };
            let (rest, piece) = blocking(write).await?;
            let is_piece = !piece.is_empty();
            match rest {
                Some(rest) if is_piece => self.archive = Some(rest),
                Some(rest) => {
                    archive = rest;
                    continue;
                }
                None => {}
            }
            return Ok(is_piece.then(|| piece.into()));
        }
    }

    /// Reads what comes next, a bounded portion.
    async fn step(&mut self, member_bytes: u64, all: &mut Vec<Work>) -> Result<(), ExportError> {
        let user = self.user.id;
        let begin = |name: &str| Work::Begin(name.to_owned());
        self.step = match std::mem::replace(&mut self.step, Step::End) {
            Step::Account => {
                self.clock = sessions::clock(&*self.store, user).await?;
                all.push(begin("account.json"));
                let account = lines::account(&self.user, self.now, self.clock);
                all.push(Work::Text(lines::line(&account)?));
                Step::SignIns
            }
            Step::SignIns => {
                let sign_ins = self.store.sign_ins(user, self.now).await?;
                all.push(begin("sign_ins.ndjson"));
                for one in &sign_ins {
                    all.push(Work::Text(lines::line(&lines::sign_in(one))?));
                }
                self.summary.sign_ins = sign_ins.len() as u64;
                all.push(begin("sessions.ndjson"));
                Step::Sessions(Sessions::until(self.clock))
            }
            Step::Sessions(mut walk) => match walk.next(&*self.store, user).await? {
                Some(state) => {
                    self.summary.sessions += u64::from(state.live);
                    self.summary.deleted_sessions += u64::from(!state.live);
                    all.push(Work::Text(lines::line(&lines::session(&state))?));
                    Step::Sessions(walk)
                }
                None => Step::Samples(Sessions::until(self.clock), None),
            },
            Step::Samples(walk, reading) => self.samples(walk, reading, member_bytes, all).await?,
            Step::Analyses(mut walk) => {
                if let Some(state) = walk.next(&*self.store, user).await? {
                    if let Some(analysis) = self.store.analysis(user, state.id).await? {
                        self.summary.analyses += 1;
                        all.push(Work::Text(lines::analysis(&analysis)?));
                    }
                    Step::Analyses(walk)
                } else {
                    all.push(begin("sync_log.ndjson"));
                    Step::Log(None)
                }
            }
            Step::Log(after) => {
                let entries = self.store.log_entries(user, after, STEP_ENTRIES_COUNT);
                let entries = entries.await?;
                let mut text = Vec::new();
                for entry in &entries {
                    text.extend(lines::line(entry)?);
                }
                all.push(Work::Text(text));
                self.summary.sync_log_entries += entries.len() as u64;
                match entries.last() {
                    Some(last) => Step::Log(Some(last.id)),
                    None => Step::Damaged,
                }
            }
            Step::Damaged => {
                if !self.damaged.is_empty() {
                    all.push(begin("damaged.ndjson"));
                    let text = std::mem::take(&mut self.damaged);
                    all.push(Work::Text(text.into_bytes()));
                }
                Step::Summary
            }
            Step::Summary => {
                // Nothing is left of an account that was deleted, so that its export looks whole.
                if self.store.user(user).await?.is_none() {
                    return Err(ExportError::AccountDeleted);
                }
                all.push(begin("summary.json"));
                all.push(Work::Text(lines::line(&self.summary)?));
                Step::End
            }
            Step::End => {
                all.push(Work::End);
                Step::End
            }
        };
        Ok(())
    }

    /// Goes on with the samples of a session, or with the next session.
    async fn samples(
        &mut self,
        mut walk: Sessions,
        reading: Option<(SessionId, Records)>,
        member_bytes: u64,
        all: &mut Vec<Work>,
    ) -> Result<Step, ExportError> {
        let user = self.user.id;
        let Some((session, mut records)) = reading else {
            let Some(state) = walk.next(&*self.store, user).await? else {
                all.push(Work::Begin("analyses.ndjson".to_owned()));
                return Ok(Step::Analyses(Sessions::until(self.clock)));
            };
            // One that was deleted meanwhile has no samples any more.
            let records = Records::open(self.store.clone(), user, state.id).await?;
            return Ok(Step::Samples(
                walk,
                records.map(|records| (state.id, records)),
            ));
        };
        let Some(mut chunk) = records.next_with_gaps().await? else {
            return Ok(Step::Samples(walk, None));
        };
        for damage in std::mem::take(&mut chunk.damaged) {
            self.summary.damaged += 1;
            if self.summary.damaged <= DAMAGED_MAX_COUNT {
                self.damaged.push_str(&lines::damage(session, &damage));
            }
        }
        if !chunk.is_empty() {
            if self.part == 0 || member_bytes >= PART_MAX_BYTES {
                self.part += 1;
                all.push(Work::Begin(format!("samples/{:06}.ndjson", self.part)));
            }
            self.summary.records += chunk.len() as u64;
            all.push(Work::Records(session, chunk));
        }
        Ok(Step::Samples(walk, Some((session, records))))
    }
}
