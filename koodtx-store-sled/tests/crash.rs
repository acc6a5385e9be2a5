//! Killed without warning, again and again, under load.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use koodtx_core::id::{SessionId, UserId};
use koodtx_core::push::PushBatch;
use koodtx_core::store::{MaintenanceStore, PushCommand, Quota, SyncStore};
use koodtx_core::time::Timestamp;
use koodtx_store_sled::{SledOptions, SledStore};
use tempfile::TempDir;

const KILLS_COUNT: u64 = 50;
const KILLS_MAX_COUNT: u64 = 400;
/// How often the log has to have been full meanwhile.
const CHECKPOINTS_MIN_COUNT: u64 = 3;
/// The longest that a process lives, in milliseconds. The shortest lives end within the opening.
const LIFE_MAX_MILLIS: u64 = 320;
const USERS: [UserId; 3] = [UserId(1), UserId(2), UserId(3)];
/// Pushes of a session before the next one begins and the one before is deleted.
const PUSHES_PER_SESSION_COUNT: u64 = 20;
const RECORDS_PER_PUSH_COUNT: u64 = 600;
/// Every so many pushes one has long texts, so that the log is full again and again.
const LONG_PUSH_EVERY: u64 = 4;
const LONG_TEXT_CHARS: usize = 1_600;
/// Tells the process that is to be killed where the store is.
const PATH_VARIABLE: &str = "KOODTX_CRASH_TEST_PATH";

/// What step `step` of a user does: a push to a session, or the deletion of one.
enum Step {
    Push { session: u64, from: u64 },
    Delete { session: u64 },
}

fn step(step: u64) -> Step {
    let (session, at) = (
        step / (PUSHES_PER_SESSION_COUNT + 1),
        step % (PUSHES_PER_SESSION_COUNT + 1),
    );
    match session.checked_sub(1) {
        Some(before) if at == PUSHES_PER_SESSION_COUNT => Step::Delete { session: before },
        _ => Step::Push {
            session,
            from: at * RECORDS_PER_PUSH_COUNT,
        },
    }
}

/// Records of each live session after so many steps.
fn expected(steps: u64) -> BTreeMap<SessionId, u64> {
    let mut sessions = BTreeMap::new();
    for at in 0..steps {
        match step(at) {
            Step::Push { session, .. } => {
                *sessions.entry(session_id(session)).or_default() += RECORDS_PER_PUSH_COUNT;
            }
            Step::Delete { session } => {
                sessions.remove(&session_id(session));
            }
        }
    }
    sessions
}

fn session_id(number: u64) -> SessionId {
    format!("00000000-0000-4000-8000-{number:012x}")
        .parse()
        .unwrap()
}

/// So many characters that no compression makes much of.
fn text(seed: u64, chars: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(chars + 16);
    while text.len() < chars {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text.truncate(chars);
    text
}

/// How often the log was begun anew: its slots hold the last two of these numbers.
fn log_generation(path: &Path) -> u64 {
    const SLOTS_AT: [usize; 2] = [0, 4096];
    let log = fs::read(path.join("koodtx-wal")).unwrap();
    let generation = |at: usize| u64::from_le_bytes(*log[at + 8..].first_chunk().unwrap());
    SLOTS_AT.into_iter().map(generation).max().unwrap()
}

async fn run_step(store: &SledStore, user: UserId, at: u64) {
    let now = Timestamp::now();
    match step(at) {
        Step::Delete { session } => {
            store
                .delete_session(user, session_id(session), now)
                .await
                .unwrap();
        }
        Step::Push { session, from } => {
            let records: Vec<String> = (from..from + RECORDS_PER_PUSH_COUNT)
                .map(|time| {
                    let sensor = if time % 2 == 0 { "a" } else { "b" };
                    let text = text(time, if at.is_multiple_of(LONG_PUSH_EVERY) { LONG_TEXT_CHARS } else { 0 });
                    format!(
                        r#"{{"sensor_type":"{sensor}","timestamp":{time},"data":{{"x":{time},"t":"{text}"}}}}"#
                    )
                })
                .collect();
            let id = session_id(session);
            let body = format!(
                r#"{{"session":{{"session_id":"{id}","start_time":"2025-11-13T00:00:00Z"}},"sensor_data":[{}]}}"#,
                records.join(",")
            );
            let batch = Arc::new(PushBatch::parse(body.as_bytes()).unwrap());
            let push = PushCommand {
                user,
                batch,
                device_id: None,
                body_bytes: 0,
                started_at: now,
                request_id: None,
                quota: Quota::default(),
            };
            store.push(push, now).await.unwrap();
        }
    }
}

fn open(path: &Path) -> Arc<SledStore> {
    Arc::new(SledStore::open(path, SledOptions::default()).unwrap())
}

/// How many steps of a user the store holds: none may be half done, and none that was acknowledged
/// may be missing.
async fn steps_done(store: &SledStore, user: UserId, acknowledged: u64) -> u64 {
    let found: BTreeMap<SessionId, u64> = store
        .sessions(user, None, 100)
        .await
        .unwrap()
        .sessions
        .into_iter()
        .map(|state| (state.id, state.data_count))
        .collect();
    for steps in [acknowledged, acknowledged + 1] {
        if expected(steps) == found {
            return steps;
        }
    }
    panic!("user {user} had {acknowledged} steps acknowledged, and the store holds {found:?}");
}

#[test]
#[ignore = "the process that the other test starts and kills"]
fn process_under_load() {
    let path = std::env::var(PATH_VARIABLE).expect("started by the other test");
    let steps = std::env::var("KOODTX_CRASH_TEST_STEPS").expect("started by the other test");
    let steps: Vec<u64> = steps.split(',').map(|step| step.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(path.as_ref());
        let users = USERS.into_iter().zip(steps).map(|(user, first)| {
            let store = store.clone();
            tokio::spawn(async move {
                for at in first.. {
                    run_step(&store, user, at).await;
                    println!("\nacknowledged {user}");
                }
            })
        });
        for user in users.collect::<Vec<_>>() {
            user.await.unwrap();
        }
    });
}

/// Runs the process for so long, kills it, and returns how many steps of each user it acknowledged.
fn run_and_kill(path: &Path, steps: &[u64], life: Duration) -> Vec<u64> {
    let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "process_under_load", "--nocapture"])
        .env(PATH_VARIABLE, path)
        .env("KOODTX_CRASH_TEST_STEPS", steps.join(","))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(life);
    process.kill().unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let lines: Vec<String> = output.lines().map_while(Result::ok).collect();
    process.wait().unwrap();
    USERS
        .iter()
        .map(|user| {
            lines
                .iter()
                .filter(|line| **line == format!("acknowledged {user}"))
                .count() as u64
        })
        .collect()
}

#[test]
fn what_was_acknowledged_survives_kills_and_nothing_is_half_there() {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut steps = vec![0; USERS.len()];
    let mut checkpoints_under_load = 0;
    // A slow machine needs more kills until enough has happened.
    for kill in 0..KILLS_MAX_COUNT {
        if kill >= KILLS_COUNT
            && checkpoints_under_load >= CHECKPOINTS_MIN_COUNT
            && steps.iter().all(|&steps| steps > KILLS_COUNT)
        {
            return;
        }
        // Spread over all lengths of life, not in their order.
        let life = Duration::from_millis(kill * 77 % LIFE_MAX_MILLIS);
        let generation = if kill == 0 {
            1
        } else {
            log_generation(folder.path())
        };
        let acknowledged = run_and_kill(folder.path(), &steps, life);
        if kill > 0 {
            // The first is the opening's.
            let begun = log_generation(folder.path()) - generation;
            checkpoints_under_load += begun.saturating_sub(1);
        }
        runtime.block_on(async {
            let store = open(folder.path());
            for (at, user) in USERS.into_iter().enumerate() {
                steps[at] = steps_done(&store, user, steps[at] + acknowledged[at]).await;
            }
            let page = store.verify(None, usize::MAX).await.unwrap();
            assert_eq!(
                (page.problems, page.next),
                (vec![], None),
                "after kill {kill}"
            );
        });
    }
    panic!("there should have been load: {steps:?}, {checkpoints_under_load} checkpoints");
}
