//! Accounts on several servers at once, and what the suite of all stores does not show.

use std::collections::BTreeSet;
use std::time::Duration;

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{
    AccountStore as _, NewFamily, NewUser, Rotation, StoreErrorKind, Taken, TokenHash, User,
};
use koodtx_core::time::Timestamp;
use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_micros(1_763_035_200_000_000);
const EXPIRY: Timestamp = NOW.plus_micros(3_600_000_000);
const FIRST: TokenHash = [1; 32];
const SECOND: TokenHash = [2; 32];
const THIRD: TokenHash = [3; 32];
/// Connections of one server: fewer than there are callers.
const CONNECTIONS_COUNT: u32 = 4;
const RACERS_COUNT: u128 = 24;
const ROUNDS_COUNT: u128 = 12;

/// A store with connections of its own, as another server has.
async fn server(database: &TestDatabase) -> PostgresStore {
    let options = PostgresOptions::from_url(&database.url()).unwrap();
    PostgresStore::open(&options.max_connections(CONNECTIONS_COUNT))
        .await
        .unwrap()
}

fn new_user(username: &str, email: &str, device_id: Option<&str>) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: email.to_owned(),
        device_id: device_id.map(str::to_owned),
        password_hash: "hash".to_owned(),
    }
}

async fn register(store: &PostgresStore, username: &str, device_id: Option<&str>) -> User {
    let user = new_user(username, &format!("{username}@example.org"), device_id);
    store.create_user(user, NOW).await.unwrap().unwrap()
}

fn family(user: UserId, number: u128, expires_at: Timestamp) -> NewFamily {
    NewFamily {
        id: SignInId(Uuid::from_u128(number)),
        user,
        device_id: None,
        token: FIRST,
        expires_at,
    }
}

async fn sign_in(store: &PostgresStore, user: UserId, number: u128) {
    let family = family(user, number, EXPIRY);
    store.create_family(family, NOW).await.unwrap();
}

async fn rotate(
    store: &PostgresStore,
    user: UserId,
    number: u128,
    presented: TokenHash,
    next: TokenHash,
) -> Rotation {
    let id = SignInId(Uuid::from_u128(number));
    let rotation = store.rotate(id, user, presented, next, EXPIRY, NOW);
    rotation.await.unwrap()
}

async fn live(store: &PostgresStore, user: UserId) -> Vec<u128> {
    let sign_ins = store.sign_ins(user, NOW).await.unwrap();
    sign_ins
        .iter()
        .map(|sign_in| sign_in.id.0.as_u128())
        .collect()
}

async fn ids(store: &PostgresStore) -> Vec<i64> {
    let page = store.users(None, 1_000).await.unwrap();
    page.users.iter().map(|user| user.id.0).collect()
}

/// Returns when so many statements of the database wait for a lock.
async fn wait_until_blocked(observer: &mut PgConnection, count: i64) {
    let blocked = "
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let found = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let waiting: i64 = sqlx::query_scalar(blocked)
                .fetch_one(&mut *observer)
                .await
                .unwrap();
            if waiting == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("{count} statements should wait for a lock"));
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_on_two_servers_take_each_name_once_and_leave_no_gap() {
    let database = TestCluster::shared().database().await;
    let servers = [server(&database).await, server(&database).await];
    let mut racers = JoinSet::new();
    for racer in 0..RACERS_COUNT {
        let store = servers[racer as usize % servers.len()].clone();
        // Each name is wanted by three racers, and each email by two of different names.
        let name = if racer / 8 % 2 == 0 { "Name" } else { "nAME" };
        let user = new_user(
            &format!("{name} {}", racer % 8),
            &format!("{}@example.org", racer / 2),
            None,
        );
        racers.spawn(async move { store.create_user(user, NOW).await.unwrap() });
    }
    let outcomes = racers.join_all().await;
    let created: BTreeSet<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .map(|user| user.id.0)
        .collect();
    let expected: Vec<i64> = (1..=created.len() as i64).collect();
    assert!(created.iter().eq(&expected), "{created:?}");
    assert!(!outcomes.contains(&Err(Taken::Device)));
    for store in &servers {
        assert_eq!(ids(store).await, expected);
    }
    let users = servers[0].users(None, 1_000).await.unwrap().users;
    let names: BTreeSet<_> = users
        .iter()
        .map(|user| user.username.to_lowercase())
        .collect();
    let emails: BTreeSet<_> = users.iter().map(|user| user.email.as_str()).collect();
    assert_eq!((names.len(), emails.len()), (users.len(), users.len()));
}

#[tokio::test]
async fn a_refused_registration_leaves_no_row_and_no_gap() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    let ann = register(&store, "ann", Some("phone")).await;
    assert_eq!(ann.id, UserId(1));
    for (user, taken) in [
        (new_user("ANN", "ben@example.org", None), Taken::Username),
        (new_user("ben", "Ann@example.org", None), Taken::Email),
        (
            new_user("ben", "ben@example.org", Some("phone")),
            Taken::Device,
        ),
        (
            new_user("ben", "ann@example.org", Some("phone")),
            Taken::Email,
        ),
    ] {
        let refused = store.create_user(user, NOW).await.unwrap();
        assert_eq!(refused, Err(taken));
    }
    let ben = register(&store, "ben", Some("watch")).await;
    assert_eq!(ben.id, UserId(2));
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let names: Vec<(i64, String)> =
        sqlx::query_as("SELECT user_id, kind FROM user_names ORDER BY user_id, kind")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let names: Vec<_> = names.iter().map(|(id, kind)| (*id, &**kind)).collect();
    assert_eq!(
        names,
        [
            (1, "device"),
            (1, "email"),
            (1, "username"),
            (2, "device"),
            (2, "email"),
            (2, "username"),
        ]
    );
}

#[tokio::test]
async fn names_may_be_longer_than_a_key_of_an_index() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    // Folded, each of the first is 33 bytes long, and the others are all different: an index compresses
    // its keys, and what repeats itself would fit.
    let different =
        (0..1_000).filter_map(|number| char::from_u32(0x4e00 + number * 7_919 % 20_000));
    let long: String = "\u{fdfa}".repeat(80).chars().chain(different).collect();
    let device = format!("{long}\u{1f4f1}");
    let email = format!("{long}@example.org");
    let created = store
        .create_user(new_user(&long, &email, Some(&device)), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (&created.username, &created.email),
        (&long, &email),
        "they come back as registered"
    );
    let found = store.credentials(&long).await.unwrap().unwrap();
    assert_eq!(found.user, created);
    let refused = store
        .create_user(new_user(&long, "other@example.org", None), NOW)
        .await
        .unwrap();
    assert_eq!(refused, Err(Taken::Username));
    // One that differs only at its end is another.
    let other = format!("{long}x");
    register(&store, &other, Some(&format!("{device}x"))).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_stored_is_a_name_that_nobody_has() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    register(&store, "ann", None).await;
    for name in ["ann\0", "\0", ""] {
        assert!(store.credentials(name).await.unwrap().is_none(), "{name:?}");
    }
}

#[tokio::test]
async fn sign_ins_need_no_account() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    let nobody = UserId(77);
    sign_in(&store, nobody, 1).await;
    assert_eq!(live(&store, nobody).await, [1]);
    assert!(matches!(
        rotate(&store, nobody, 1, FIRST, SECOND).await,
        Rotation::Rotated(_)
    ));
    let changed = store.set_active(nobody, false, NOW).await.unwrap();
    assert_eq!(changed, None);
    assert_eq!(live(&store, nobody).await, [1]);
}

#[tokio::test]
async fn a_second_sign_in_of_the_same_id_changes_nothing() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    let ann = register(&store, "ann", None).await.id;
    for (number, expires_at) in [(1, EXPIRY), (2, NOW.plus_micros(1))] {
        let family = family(ann, number, expires_at);
        store.create_family(family, NOW).await.unwrap();
    }
    // Also where the first has expired, and then it is not forgotten either.
    for number in [1, 2] {
        let again = family(ann, number, EXPIRY);
        let error = store.create_family(again, NOW.plus_micros(1)).await;
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::AlreadyExists);
    }
    assert_eq!(live(&store, ann).await, [1, 2]);
}

#[tokio::test]
async fn a_new_sign_in_forgets_the_users_expired_ones() {
    let database = TestCluster::shared().database().await;
    let store = server(&database).await;
    let (ann, ben) = (
        register(&store, "ann", None).await.id,
        register(&store, "ben", None).await.id,
    );
    for (user, number, expires_at) in [
        (ann, 1, NOW.plus_micros(1)),
        (ann, 2, NOW.plus_micros(2)),
        (ben, 3, NOW.plus_micros(1)),
        // Over before it began: it is kept until the next.
        (ann, 4, NOW.plus_micros(-1)),
    ] {
        let family = family(user, number, expires_at);
        store.create_family(family, NOW).await.unwrap();
    }
    let last = family(ann, 5, EXPIRY);
    store.create_family(last, NOW.plus_micros(1)).await.unwrap();
    let before = NOW.plus_micros(-2);
    let kept = |user| {
        let store = &store;
        async move {
            let sign_ins = store.sign_ins(user, before).await.unwrap();
            let numbers: BTreeSet<_> = sign_ins.iter().map(|found| found.id.0.as_u128()).collect();
            numbers.into_iter().collect::<Vec<_>>()
        }
    };
    assert_eq!(kept(ann).await, [2, 5]);
    assert_eq!(kept(ben).await, [3]);
}

#[tokio::test]
async fn a_token_used_on_two_servers_revokes_its_family_on_both() {
    let database = TestCluster::shared().database().await;
    let [one, other] = [server(&database).await, server(&database).await];
    let ann = register(&one, "ann", None).await.id;
    sign_in(&one, ann, 1).await;
    assert!(matches!(
        rotate(&one, ann, 1, FIRST, SECOND).await,
        Rotation::Rotated(_)
    ));
    assert_eq!(rotate(&other, ann, 1, FIRST, THIRD).await, Rotation::Reused);
    assert_eq!(rotate(&one, ann, 1, SECOND, THIRD).await, Rotation::Unknown);
    assert_eq!(live(&server(&database).await, ann).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rotation_brings_back_what_an_account_lost() {
    let database = TestCluster::shared().database().await;
    let servers = [server(&database).await, server(&database).await];
    let ann = register(&servers[0], "ann", None).await.id;
    for round in 0..ROUNDS_COUNT {
        for number in 0..RACERS_COUNT {
            sign_in(&servers[0], ann, number).await;
        }
        let mut racers = JoinSet::new();
        for number in 0..RACERS_COUNT {
            let store = servers[number as usize % servers.len()].clone();
            racers.spawn(async move {
                if number != RACERS_COUNT / 2 {
                    let rotation = rotate(&store, ann, number, FIRST, SECOND).await;
                    assert_ne!(rotation, Rotation::Reused);
                } else if round % 2 == 0 {
                    store.set_active(ann, false, NOW).await.unwrap();
                } else {
                    let hash = "new hash".to_owned();
                    store.set_password(ann, hash, NOW).await.unwrap();
                }
            });
        }
        racers.join_all().await;
        assert_eq!(live(&servers[1], ann).await, [], "round {round}");
    }
}

/// A sign-in that is being written when the account is disabled, or its password replaced, ends too.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_under_way_is_revoked_with_the_others() {
    let database = TestCluster::shared().database().await;
    let [one, other] = [server(&database).await, server(&database).await];
    let ann = register(&one, "ann", None).await.id;
    let [mut observer, mut holder] = [
        PgConnection::connect(&database.url()).await.unwrap(),
        PgConnection::connect(&database.url()).await.unwrap(),
    ];
    for disables in [true, false] {
        let expired = family(ann, 1, NOW);
        one.create_family(expired, NOW).await.unwrap();
        // Whoever holds an expired sign-in holds up the one that comes after it, half written.
        let mut held = holder.begin().await.unwrap();
        sqlx::query("SELECT FROM refresh_tokens WHERE user_id = $1 FOR UPDATE")
            .bind(ann.0)
            .execute(&mut *held)
            .await
            .unwrap();
        let signing_in = tokio::spawn({
            let store = one.clone();
            async move { sign_in(&store, ann, 2).await }
        });
        wait_until_blocked(&mut observer, 1).await;
        let revoking = tokio::spawn({
            let store = other.clone();
            async move {
                if disables {
                    store.set_active(ann, false, NOW).await
                } else {
                    store.set_password(ann, "new hash".to_owned(), NOW).await
                }
            }
        });
        wait_until_blocked(&mut observer, 2).await;
        held.rollback().await.unwrap();
        signing_in.await.unwrap();
        assert!(revoking.await.unwrap().unwrap().is_some());
        assert_eq!(live(&one, ann).await, [], "disables: {disables}");
    }
}
