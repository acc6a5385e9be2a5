//! `koodtx-server worker`, `scheduler` and `jobs`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use koodtx_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use super::args::JobsCommand;
use super::serve::stop_signal;
use super::{CliError, require_data};
use crate::config::{Config, QueueKind, Setting};
use crate::jobs::{Arguments, Context, Jobs, Task, run_task};
use crate::metrics::{BackgroundMetrics, MeasuredStore, WorkerMeters};
use crate::queue::{JobQueue, JobRecord, JobState, NewJob};
use crate::server::{OpenedStore, bind_metrics, open, task_context};
use crate::stores::StoreRegistry;

/// Jobs shown in a list.
const SHOWN_JOBS_COUNT: usize = 20;
/// How often to look whether a job is done.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn worker(config: &Config, stores: &StoreRegistry) -> Result<ExitCode, CliError> {
    shared_queue(config, "worker")?;
    let listener = bind_metrics(config).await?;
    let OpenedStore {
        mut store,
        residence,
        postgres,
    } = open(stores, config).await?;
    let meters = WorkerMeters::default();
    if listener.is_some() {
        store = Arc::new(MeasuredStore::new(store, meters.store.clone()));
    }
    let kind = store.info().kind;
    let context = task_context(config, store, &residence, Arc::new(Timestamp::now));
    let jobs = Jobs::open(&config.jobs, context)?.counting(meters.jobs.clone());
    let metrics = listener.zip(jobs.queue().cloned());
    let metrics = metrics.map(|(listener, queue)| {
        BackgroundMetrics::of_worker(listener, queue, &meters, kind, postgres)
    });
    let stop = stop_token()?;
    say!(
        "doing jobs of {}, up to {} at a time",
        place(config),
        config.jobs.concurrency
    );
    beside_metrics(metrics, jobs.work(stop)).await
}

pub(super) async fn scheduler(config: &Config) -> Result<ExitCode, CliError> {
    // It touches no data, so it needs no store: a scheduler runs on any machine.
    let queue = shared_queue(config, "scheduler")?;
    let listener = bind_metrics(config).await?;
    let metrics = listener.map(|one| BackgroundMetrics::of_scheduler(one, queue.clone()));
    let stop = stop_token()?;
    say!("submitting the tasks of the schedule to {}", place(config));
    beside_metrics(metrics, Jobs::schedule_on(&queue, &config.jobs, stop)).await
}

/// Works to the end, and meanwhile serves the metrics, if there are any.
async fn beside_metrics(
    metrics: Option<BackgroundMetrics>,
    work: impl Future<Output = ()>,
) -> Result<ExitCode, CliError> {
    let stop = CancellationToken::new();
    let serving = metrics
        .map(|metrics| {
            say!("  metrics  http://{}/metrics", metrics.address()?);
            Ok(tokio::spawn(metrics.run(stop.clone())))
        })
        .transpose()
        .map_err(|source| CliError::Io {
            what: "the listener of the metrics has no address".to_owned(),
            source,
        })?;
    work.await;
    stop.cancel();
    if let Some(serving) = serving
        && let Err(error) = serving.await
    {
        tracing::error!(%error, "metrics broke off");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(
    command: JobsCommand,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    match command {
        JobsCommand::List => list(config).await,
        JobsCommand::Run {
            name,
            arguments,
            dry_run,
            here,
        } => {
            let task: Task = name
                .parse()
                .map_err(|error| CliError::Failed(format!("{error}")))?;
            let mut arguments = parse(&arguments)?;
            if dry_run {
                arguments.insert("dry-run".to_owned(), "true".to_owned());
            }
            match redis_queue(config)? {
                Some(queue) if !here => run_elsewhere(&queue, task, arguments, config).await,
                _ => run_here(task, &arguments, config, stores).await,
            }
        }
        JobsCommand::Status => status(config, stores).await,
    }
}

/// Opens the store and what tasks need beside it.
pub(super) async fn open_context(
    config: &Config,
    stores: &StoreRegistry,
) -> Result<Context, CliError> {
    let opened = open(stores, config).await?;
    let clock = Arc::new(Timestamp::now);
    Ok(task_context(config, opened.store, &opened.residence, clock))
}

fn stop_token() -> Result<CancellationToken, CliError> {
    let signal = stop_signal().map_err(|source| CliError::Io {
        what: "signals cannot be handled".to_owned(),
        source,
    })?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        signal.await;
        token.cancel();
    });
    Ok(stop)
}

/// The queue that several processes share, without which the command makes no sense.
fn shared_queue(config: &Config, command: &str) -> Result<JobQueue, CliError> {
    redis_queue(config)?.ok_or_else(|| {
        CliError::Failed(format!(
            "`{command}` needs a Redis: set {} to a URL like redis://127.0.0.1:6379. Without one, \
             `serve` does all jobs itself",
            Setting::Jobs.name()
        ))
    })
}

fn redis_queue(config: &Config) -> Result<Option<JobQueue>, CliError> {
    let settings = config.jobs.queue_settings();
    match &config.jobs.queue {
        QueueKind::Redis(url) => Ok(Some(JobQueue::open_redis(url.as_str(), settings)?)),
        QueueKind::Off | QueueKind::Memory => Ok(None),
    }
}

fn place(config: &Config) -> String {
    match &config.jobs.queue {
        QueueKind::Redis(url) => url.to_string(),
        QueueKind::Memory => "memory".to_owned(),
        QueueKind::Off => "off".to_owned(),
    }
}

/// Arguments of the form `NAME=VALUE`.
fn parse(arguments: &[String]) -> Result<Arguments, CliError> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| CliError::Failed(format!("--arg {text}: use NAME=VALUE")))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    arguments.iter().map(pair).collect()
}

async fn run_here(
    task: Task,
    arguments: &Arguments,
    config: &Config,
    stores: &StoreRegistry,
) -> Result<ExitCode, CliError> {
    require_data(config, stores)?;
    let context = open_context(config, stores).await?;
    say!("{:#}", run_task(&context, task, arguments).await?);
    Ok(ExitCode::SUCCESS)
}

async fn run_elsewhere(
    queue: &JobQueue,
    task: Task,
    args: Arguments,
    config: &Config,
) -> Result<ExitCode, CliError> {
    let new = NewJob {
        name: task.name().to_owned(),
        // As the scheduler does: while one is at it, a second one would only look on.
        unique: args.is_empty().then(|| task.name().to_owned()),
        args,
        ..NewJob::default()
    };
    let id = queue.submit(new).await?;
    eprintln!("job {id} of {}; a worker has to be running", place(config));
    loop {
        let Some(job) = queue.job(&id).await? else {
            return Err(CliError::Failed(format!("job {id} is gone")));
        };
        if job.state.is_final() {
            let result = job.result.unwrap_or_default();
            return if job.state == JobState::Succeeded {
                say!("{result:#}");
                Ok(ExitCode::SUCCESS)
            } else {
                Err(CliError::Failed(job.error.unwrap_or_default()))
            };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn list(config: &Config) -> Result<ExitCode, CliError> {
    let now = Timestamp::now().as_micros();
    say!("{:15} {:16} {:27} WHAT", "TASK", "SCHEDULE (UTC)", "NEXT");
    for task in Task::ALL {
        let cron = config.jobs.schedule.get(&task).and_then(Option::as_ref);
        let next = cron.and_then(|cron| cron.next_after(now));
        let next = next.map(|at| Timestamp::from_micros(at).to_string());
        say!(
            "{:15} {:16} {:27} {}",
            task.name(),
            cron.map_or_else(|| "-".to_owned(), ToString::to_string),
            next.unwrap_or_else(|| "-".to_owned()),
            task.about()
        );
    }
    match redis_queue(config)? {
        Some(queue) => {
            let recent = queue.recent(SHOWN_JOBS_COUNT).await?;
            say!("\nthe latest jobs of {}:", place(config));
            recent.iter().for_each(print);
        }
        None => say!(
            "\njobs are kept in: {} (of the server's process, which alone knows them)",
            place(config)
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(job: &JobRecord) {
    let created = Timestamp::from_micros(job.created_at);
    say!(
        "{} {:15} {:9} attempts {} {created} {}",
        job.job_id,
        job.name,
        job.state.as_str(),
        job.attempts,
        job.error.as_deref().unwrap_or_default()
    );
}

async fn status(config: &Config, stores: &StoreRegistry) -> Result<ExitCode, CliError> {
    if let Some(queue) = redis_queue(config)? {
        let stats = queue.stats().await?;
        say!(
            "{}: {} waiting, {} running, {} succeeded, {} failed",
            place(config),
            stats.queued,
            stats.running,
            stats.succeeded,
            stats.failed
        );
    }
    require_data(config, stores)?;
    let context = open_context(config, stores).await?;
    for run in context.store.task_runs().await? {
        let state = if run.succeeded { "ok" } else { "FAILED" };
        say!(
            "{:15} {} {state} {}",
            run.task,
            run.finished_at,
            run.outcome
        );
    }
    Ok(ExitCode::SUCCESS)
}
