//! Settings of background jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::setting::Setting;
use super::{ConfigError, Sources, at_least_1};
use crate::jobs::{Retention, Task};
use crate::queue::{QueueSettings, Schedule};

const CONCURRENCY_DEFAULT_COUNT: usize = 2;
const TIME_LIMIT_DEFAULT: Duration = Duration::from_mins(5);
const RESULT_DEFAULT_HOURS: u32 = 24;
const LOG_RETENTION_DEFAULT_DAYS: u32 = 90;
const EXPORT_RETENTION_DEFAULT_DAYS: u32 = 7;
const STALE_SESSION_DEFAULT_HOURS: u32 = 24;
/// Longest span, in days or hours: a hundred years of days.
const SPAN_MAX_COUNT: u32 = 36_500;

/// Where background jobs are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueueKind {
    /// There are none.
    Off,
    /// In the server's process.
    #[default]
    Memory,
    /// In a Redis that servers, workers and schedulers share.
    Redis(RedisUrl),
}

/// The URL of a Redis. `Debug` and `Display` hide what may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The whole URL, with a password if it holds one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.rsplit_once('@') {
            Some((_, place)) => write!(f, "redis://…@{place}"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for QueueKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "off" => Ok(Self::Off),
            "memory" => Ok(Self::Memory),
            _ if text.starts_with("redis://") => Ok(Self::Redis(RedisUrl(text.to_owned()))),
            _ => Err("use `memory`, `off`, or a URL like redis://127.0.0.1:6379"),
        }
    }
}

/// Settings of background jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsConfig {
    /// Where they are kept.
    pub queue: QueueKind,
    /// Jobs that a worker does at a time.
    pub concurrency: usize,
    /// How long one attempt at a job may take.
    pub time_limit: Duration,
    /// How long the record of a finished job is kept.
    pub keep_results: Duration,
    /// What is kept for how long.
    pub retention: Retention,
    /// Where export files go; `None`: `exports` in the data folder, or `./koodtx-exports`.
    pub export_folder: Option<PathBuf>,
    /// When each task is due; `None`: never by itself.
    pub schedule: BTreeMap<Task, Option<Schedule>>,
}

impl Default for JobsConfig {
    fn default() -> Self {
        let schedule = Task::ALL.into_iter().map(|task| {
            let cron = task.default_schedule().and_then(|text| text.parse().ok());
            (task, cron)
        });
        Self {
            queue: QueueKind::default(),
            concurrency: CONCURRENCY_DEFAULT_COUNT,
            time_limit: TIME_LIMIT_DEFAULT,
            keep_results: hours(RESULT_DEFAULT_HOURS),
            retention: Retention {
                sample_days: None,
                log_days: Some(LOG_RETENTION_DEFAULT_DAYS),
                export_days: Some(EXPORT_RETENTION_DEFAULT_DAYS),
                stale_hours: Some(STALE_SESSION_DEFAULT_HOURS),
            },
            export_folder: None,
            schedule: schedule.collect(),
        }
    }
}

impl JobsConfig {
    pub(super) fn read(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        sources.read(Setting::Jobs, &mut self.queue, str::parse)?;
        sources.read(Setting::JobConcurrency, &mut self.concurrency, at_least_1)?;
        sources.read(Setting::JobTimeLimitSeconds, &mut self.time_limit, |text| {
            at_least_1(text).map(|seconds: u32| Duration::from_secs(seconds.into()))
        })?;
        sources.read(Setting::JobResultHours, &mut self.keep_results, |text| {
            at_least_1(text).map(hours)
        })?;
        let spans = [
            (Setting::RetentionDays, &mut self.retention.sample_days),
            (Setting::LogRetentionDays, &mut self.retention.log_days),
            (
                Setting::ExportRetentionDays,
                &mut self.retention.export_days,
            ),
            (Setting::StaleSessionHours, &mut self.retention.stale_hours),
        ];
        for (setting, span) in spans {
            sources.read(setting, span, span_or_off)?;
        }
        sources.read(Setting::ExportFolder, &mut self.export_folder, |text| {
            Ok::<_, ConfigError>(Some(PathBuf::from(text)))
        })?;
        for (task, setting) in SCHEDULES {
            let mut cron = self.schedule.remove(&task).flatten();
            sources.read(setting, &mut cron, cron_or_off)?;
            self.schedule.insert(task, cron);
        }
        Ok(())
    }

    /// The settings of the queue.
    pub fn queue_settings(&self) -> QueueSettings {
        QueueSettings {
            time_limit: self.time_limit,
            keep_results: self.keep_results,
            ..QueueSettings::default()
        }
    }
}

/// The tasks of the schedule with their settings.
const SCHEDULES: [(Task, Setting); 8] = [
    (Task::Analyse, Setting::ScheduleAnalyse),
    (Task::PurgeSamples, Setting::SchedulePurgeSamples),
    (Task::PurgeLogs, Setting::SchedulePurgeLogs),
    (Task::PurgeExports, Setting::SchedulePurgeExports),
    (Task::CloseSessions, Setting::ScheduleCloseSessions),
    (Task::EraseAccounts, Setting::ScheduleEraseAccounts),
    (Task::Optimise, Setting::ScheduleOptimise),
    (Task::Report, Setting::ScheduleReport),
];

fn hours(hours: u32) -> Duration {
    Duration::from_hours(hours.into())
}

/// A number of days or hours, or `off`.
fn span_or_off(text: &str) -> Result<Option<u32>, String> {
    if text == "off" {
        return Ok(None);
    }
    let number = at_least_1(text)
        .ok()
        .filter(|number| *number <= SPAN_MAX_COUNT);
    let wrong = || format!("use a whole number from 1 to {SPAN_MAX_COUNT}, or `off`");
    number.map(Some).ok_or_else(wrong)
}

/// A cron expression, or `off`.
fn cron_or_off(text: &str) -> Result<Option<Schedule>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| {
        format!("use a cron expression in UTC like `0 3 * * *`, or `off`: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_with_a_schedule_has_a_setting_and_a_default_that_parses() {
        let scheduled = Task::ALL
            .into_iter()
            .filter(|task| task.default_schedule().is_some());
        let with_setting = SCHEDULES.map(|(task, _)| task);
        assert_eq!(scheduled.collect::<Vec<_>>(), with_setting);
        let config = JobsConfig::default();
        for task in with_setting {
            assert!(config.schedule[&task].is_some(), "{task}");
        }
    }

    #[test]
    fn a_password_of_a_redis_is_not_shown() {
        let kind: QueueKind = "redis://ann:hunter2@db.example:6379/1".parse().unwrap();
        let shown = format!("{kind:?}");
        assert!(
            !shown.contains("hunter2") && shown.contains("db.example"),
            "{shown}"
        );
    }
}
