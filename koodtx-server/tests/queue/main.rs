//! The job queue, in memory and in a Redis of its own.

mod cron;
mod jobs;
mod queues;
mod redis_keys;
mod redis_kill;
mod redis_restart;
mod scheduler;
mod support;
