//! Everything at once, for long: devices that push, pull, follow and delete, users who come and go, what
//! the server does by its schedule, and backups. In the end everything is as a model says, and memory did
//! not grow with the requests.
//!
//! A soak lasts 15 seconds, or `KOODTX_SOAK_SECONDS`; from five minutes on memory is compared over time:
//! `KOODTX_SOAK_SECONDS=600 cargo test --release --workspace --all-features --test e2e soak -- --nocapture --test-threads=1`.

mod backups;
mod book;
mod filler;
mod guest;
mod old;
mod plan;
mod readers;
mod recorder;
mod requests;
mod resident;
mod user;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use koodtx_core::store::Store;
use koodtx_core::sync_log::{SyncKind, SyncStatus};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use koodtx_store_sled::{SledOptions, SledStore};
use serde_json::Value;

use backups::{back_up, back_up_meanwhile, restore, succeed};
use filler::Filler;
use guest::come_and_go;
use old::OldSessions;
use plan::Plan;
use requests::Requests;
use resident::Resident;
use user::{LATE_COUNT, SignedIn, User};

use crate::support::{Folder, MEBIBYTE_BYTES, Mirror};

const USERS: [&str; 3] = ["ann", "bob", "cleo"];
/// All entries of a log.
const LOG_MAX_COUNT: usize = 10_000_000;
/// Settings of every server. The tokens are good on all of them, also on what was restored; so few
/// places make it shed requests at times.
const SETTINGS: [(&str, &str); 13] = [
    (
        "KOODTX_JWT_SECRET",
        "one secret for all the stores of this test",
    ),
    ("KOODTX_METRICS_LISTEN", "127.0.0.1:0"),
    ("KOODTX_CONCURRENT_REQUESTS", "6"),
    ("KOODTX_REQUESTS_PER_MINUTE_ACCOUNT", "6000"),
    ("KOODTX_JOB_RESULT_HOURS", "1"),
    ("KOODTX_RETENTION_DAYS", "1"),
    ("KOODTX_LOG_RETENTION_DAYS", "1"),
    ("KOODTX_STALE_SESSION_HOURS", "1"),
    ("KOODTX_SCHEDULE_PURGE_SAMPLES", "*/3 * * * * *"),
    ("KOODTX_SCHEDULE_PURGE_LOGS", "*/5 * * * * *"),
    ("KOODTX_SCHEDULE_CLOSE_SESSIONS", "*/3 * * * * *"),
    ("KOODTX_SCHEDULE_ANALYSE", "*/10 * * * * *"),
    ("KOODTX_SCHEDULE_OPTIMISE", "*/15 * * * * *"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_store() {
    soak(Folder::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let database = TestCluster::shared().database().await;
    soak(Folder::on(database.url())).await;
}

async fn soak(folder: Folder) {
    let (plan, folder) = (Plan::from_environment(), Arc::new(folder));
    let (mut users, filler) = sign_in(&folder, plan).await;
    let mut requests = Requests::default();
    let (mut guests, mut backups) = (0, 0);
    let mut legs = plan.legs().into_iter().peekable();
    let (server, resident) = loop {
        let lasting = legs.next().expect("the last one ends the loop");
        let server = folder.start_with(&SETTINGS);
        for user in &mut users {
            user.go_on_at(&server);
        }
        if let Some(filler) = &filler {
            filler.fill(&server).await;
        }
        let end = Instant::now() + lasting;
        let prefix = format!("guest-{guests}");
        let coming = tokio::spawn(come_and_go(server.url(), prefix, end));
        let resident = tokio::spawn(Resident::watch(server.memory(), lasting));
        // Nobody else can open an embedded store that is served.
        let backing_up = (!is_embedded(&folder)).then(|| {
            let name = format!("meanwhile-{backups}");
            tokio::spawn(back_up_meanwhile(folder.clone(), name, end))
        });
        let pause = plan.pause(LATE_COUNT);
        join_all(users.iter_mut().map(|user| user.work(lasting, pause))).await;
        guests += coming.await.expect("guests found nothing wrong");
        let resident = resident.await.expect("the server runs");
        resident.assert_bounded();
        if let Some(backing_up) = backing_up {
            let (file, count) = backing_up.await.expect("backups are made");
            backups += count;
            restore(file).await;
        }
        if legs.peek().is_none() {
            break (server, resident);
        }
        requests.add(&server).await;
        server.stop();
        if is_embedded(&folder) {
            restore(back_up(folder.clone(), "between".to_owned()).await).await;
            backups += 1;
        }
    };

    let before = requests.count();
    let copies = join_all(users.iter_mut().map(User::settle)).await;
    requests.add(&server).await;
    server.stop();
    succeed(&folder, &["jobs", "run", "erase-accounts"]);
    let report = succeed(&folder, &["report", "--json"]);
    let report: Value = serde_json::from_str(&report).expect("a report");
    let records = report["totals"]["samples"].as_u64().unwrap_or_default();
    let [first, second, last] = resident.thirds().map(mebibytes);
    println!(
        "soak of {:.0} s on {}: {} requests ({} answered 429, {} answered 503), {guests} guests, {} backups\n\
         records in the end: {records}; on disk: {:.0} MiB; resident MiB: {first:.1}, {second:.1}, {last:.1} \
         in the thirds behind the restart, {:.1} at most",
        plan.total().as_secs_f64(),
        if is_embedded(&folder) {
            "sled"
        } else {
            "PostgreSQL"
        },
        requests.count(),
        requests.count_of("429"),
        requests.count_of("503"),
        backups + 1,
        mebibytes(report["totals"]["disk_bytes"].as_u64().unwrap_or_default()),
        mebibytes(resident.peak()),
    );
    for user in &users {
        let purged = user.book().old.purged_count();
        println!(
            "{}: {:?}, {purged} sessions purged",
            user.name,
            user.tally()
        );
    }
    println!("requests:{requests}");

    if plan.is_long() {
        resident.assert_flat(requests.count() - before);
    }
    let filled = filler.map_or(0, |_| Filler::records_count());
    let expected = count_records(&copies) + filled;
    assert_eq!((folder.verify(), records), (expected, expected));
    check_logs(&folder, &users).await;
    check_restored(&folder, expected, &users, &copies).await;
    folder.assert_no_panic();
    let log = folder.log();
    assert!(!log.contains("ERROR"), "{log}");
}

/// Registers everybody, and stores what they had before.
async fn sign_in(folder: &Folder, plan: Plan) -> (Vec<User>, Option<Filler>) {
    let server = folder.start_with(&SETTINGS);
    let mut signed_in = Vec::new();
    for name in USERS {
        signed_in.push(SignedIn::register(&server, name).await);
    }
    // Only there the server has a cache, and only then memory is compared over time.
    let filler = if is_embedded(folder) && plan.is_long() {
        Some(Filler::store(&server).await)
    } else {
        None
    };
    server.stop();
    let store = open(folder).await;
    let mut users = Vec::new();
    for (user, seed) in signed_in.into_iter().zip(1..) {
        let old = OldSessions::store(store.clone(), &user.name, plan).await;
        users.push(user.with(old, seed));
    }
    (users, filler)
}

/// What the sync log has to tell of is there, and what is too old is gone.
async fn check_logs(folder: &Folder, users: &[User]) {
    let store = open(folder).await;
    let oldest = Timestamp::now().plus_micros(-24 * 3_600_000_000);
    for user in users {
        let found = store.credentials(&user.name).await.expect("a store");
        let id = found.expect("a user").user.id;
        let log = store.log_entries(id, None, LOG_MAX_COUNT).await;
        let log = log.expect("the store answers");
        assert!(log.iter().all(|entry| entry.completed_at > oldest));
        let is_push = |status| {
            log.iter()
                .filter(|one| one.entry.kind == SyncKind::Push && one.entry.status == status)
                .count() as u64
        };
        let silent = old::SILENT_COUNT as u64;
        let expected = user.book().pushes_acknowledged_count() + silent;
        assert_eq!(is_push(SyncStatus::Success), expected, "{}", user.name);
        assert_eq!(is_push(SyncStatus::Failed), 0, "{}", user.name);
    }
}

/// The last backup brings everything back.
async fn check_restored(folder: &Arc<Folder>, expected: u64, users: &[User], copies: &[Mirror]) {
    let file = back_up(folder.clone(), "last".to_owned()).await;
    let (restored, records) = restore(file).await;
    assert_eq!(records, expected);
    let server = restored.start_with(&SETTINGS);
    for (user, copy) in users.iter().zip(copies) {
        let back = user.whole_copy_at(&server).await;
        back.assert_same(copy, &format!("{} restored", user.name));
    }
    server.stop();
}

fn count_records(copies: &[Mirror]) -> u64 {
    let sessions = copies.iter().flat_map(|copy| copy.sessions.values());
    sessions.map(|session| session.records.len() as u64).sum()
}

fn is_embedded(folder: &Folder) -> bool {
    folder.store().starts_with("sled:")
}

async fn open(folder: &Folder) -> Arc<dyn Store> {
    if let Some(path) = folder.store().strip_prefix("sled:") {
        return Arc::new(SledStore::open(path, SledOptions::default()).expect("it opens"));
    }
    let options = PostgresOptions::from_url(folder.store()).expect("its URL is good");
    Arc::new(PostgresStore::open(&options).await.expect("it opens"))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE_BYTES as f64
}
