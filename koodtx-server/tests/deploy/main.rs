//! The files of `koodtx-server/deploy`, run or checked by the programs that they are for.
//!
//! Needs supervisor, systemd (for `systemd-analyze`), nginx, openssl, curl, Redis and PostgreSQL; fails
//! where one is missing.

#[path = "../queue/support/redis_server.rs"]
mod redis_server;
mod support;

mod docker;
mod health;
mod nginx;
mod settings;
mod supervisor;
mod units;
