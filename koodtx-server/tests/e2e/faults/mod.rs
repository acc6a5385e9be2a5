//! A store that fails at random behind a server that real devices talk to: what is answered is true,
//! what failed may be repeated, and in the end everything is as if nothing had failed.

mod devices;
mod flaky_store;
mod ledger;

use std::sync::Arc;
use std::time::Duration;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::Store;
use koodtx_server::{Config, Server, Sources};
use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use koodtx_store_sled::{SledOptions, SledStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use devices::User;
use flaky_store::FlakyStore;

const SEED: u64 = 0x666c_616b;
const USERS_COUNT: usize = 2;
/// Longest wait for devices that repeat what failed.
const PATIENCE: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_memory_store_change_nothing_in_the_end() {
    live_through_faults(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_embedded_store_change_nothing_in_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SledStore::open(folder.path(), SledOptions::default()).expect("a new store");
    live_through_faults(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_postgres_store_change_nothing_in_the_end() {
    let database = TestCluster::shared().database().await;
    let options = PostgresOptions::from_url(&database.url()).expect("its URL is good");
    let store = PostgresStore::open(&options).await.expect("it opens");
    live_through_faults(Arc::new(store)).await;
}

async fn live_through_faults(inner: Arc<dyn Store>) {
    let store = Arc::new(FlakyStore::new(inner.clone(), SEED));
    let variables = [
        (
            "KOODTX_JWT_SECRET",
            "a secret of the tests, which is long enough",
        ),
        ("KOODTX_RATE_LIMIT", "off"),
        ("KOODTX_JOBS", "off"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::read(&Sources::new().environment(variables)).expect("good settings");
    let server = Server::builder().config(config).store(store.clone());
    let server = server.build().await.expect("the server starts");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(listener, async {
        let _ = stopped.await;
    }));

    let mut users = Vec::new();
    for number in 0..USERS_COUNT {
        let name = format!("user{number}");
        users.push(User::register(&format!("http://{address}"), &name, SEED + number as u64).await);
    }
    store.set_calm(false);
    let lives = users.into_iter().map(|user| tokio::spawn(user.live()));
    let lives = futures_util::future::try_join_all(lives);
    let lives = tokio::time::timeout(PATIENCE, lives).await;
    let ledgers = lives
        .expect("repeating helps")
        .expect("nobody found anything wrong");
    store.set_calm(true);

    let (mut aborted, mut internal, mut stored, mut acknowledged) = (0, 0, 0, 0);
    for (mut followers, ledger) in ledgers {
        let copy = followers.remove(0).settle().await;
        for follower in followers {
            let other = follower.settle().await;
            other.assert_same(&copy, "another follower");
        }
        ledger.check_copy(&copy);
        stored += ledger.check_log(&*inner).await;
        aborted += ledger.aborted_count;
        internal += ledger.internal_count;
        let tally = ledger.tally();
        println!("{tally:?}");
        // Otherwise the faults proved nothing.
        assert!(tally.acknowledged > 0 && tally.repeated > 0);
        acknowledged += tally.acknowledged;
    }
    stop.send(()).expect("the server runs");
    running
        .await
        .expect("it did not panic")
        .expect("it ends well");
    // Nothing is stored that failed for certain.
    assert!(stored <= acknowledged + store.unsure_count() + aborted);
    assert!(internal <= store.internal_count());
    assert!(store.internal_count() > 0 && store.unsure_count() > 0);
    assert!(store.torn_count() > 0 && aborted > 0);
    verify(&*inner).await;
}

/// Everything stored makes sense.
async fn verify(store: &dyn Store) {
    let mut after = None;
    loop {
        let page = store.verify(after, 100).await.expect("the store answers");
        assert!(page.problems.is_empty(), "{:?}", page.problems);
        after = page.next;
        if after.is_none() {
            return;
        }
    }
}
