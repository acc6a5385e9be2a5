//! The races of one server, through two on one database: nothing is missed, and counts are exact.
//!
//! The long race lasts a minute where `KOODTX_TEST_RACE_SECONDS=60` says so.

use std::env;
use std::time::Duration;

use super::fleet::Fleet;
use crate::races::editing::edit_offline;
use crate::races::following::{Race, both_styles};
use crate::races::identical::push_identically;
use crate::support::Server;
use crate::support::follower::Style;

/// Users that race at the same time.
const USERS_COUNT: usize = 4;
/// Rounds that every follower pulls beside the writers.
const ROUNDS_COUNT: usize = 5;
/// How long the long race lasts, where nobody says otherwise, in seconds.
const LONG_RACE_DEFAULT_SECONDS: u64 = 8;
const LONG_RACE_VARIABLE: &str = "KOODTX_TEST_RACE_SECONDS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_pushes_through_two_servers_sum_to_one_insert_each() {
    let fleet = Fleet::start().await;
    let mut records = push_identically(&fleet.servers, "ann").await;
    let (bob, cleo) = tokio::join!(
        push_identically(&fleet.servers, "bob"),
        push_identically(&fleet.servers, "cleo")
    );
    records += bob + cleo;
    fleet.finish(records);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_through_two_servers_are_both_kept() {
    let fleet = Fleet::start().await;
    edit_offline(&fleet.servers, "ann").await;
    fleet.finish(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_who_write_through_two_servers_do_not_meet() {
    let fleet = Fleet::start().await;
    let race = Race {
        writers_count: 2,
        styles: both_styles(),
        rounds_count: ROUNDS_COUNT,
        deletes: true,
        shortest: Duration::ZERO,
    };
    let races = (0..USERS_COUNT).map(|number| {
        let (race, servers) = (race.clone(), &fleet.servers);
        async move { race.run(servers, &format!("user{number}")).await }
    });
    let records = futures_util::future::join_all(races).await;
    fleet.finish(records.into_iter().sum());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_and_four_followers_of_one_user_miss_nothing() {
    let fleet = Fleet::start().await;
    // Answers that are not too small, since all have to be read beside eight writers.
    let styles = [
        Style::Pages { size: 5 },
        Style::Cursors {
            size: 5,
            max_records: 500,
        },
    ];
    let race = Race {
        writers_count: 8,
        styles: [styles.clone(), styles].concat(),
        rounds_count: 3,
        // So that what was inserted can be counted.
        deletes: false,
        shortest: long_race(),
    };
    let records = race.run(&fleet.servers, "ann").await;
    fleet.finish(records);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_who_delete_through_two_servers_leave_no_follower_behind() {
    let fleet = Fleet::start().await;
    let race = Race {
        writers_count: 4,
        styles: both_styles(),
        rounds_count: ROUNDS_COUNT,
        deletes: true,
        shortest: Duration::ZERO,
    };
    let records = race.run(&fleet.servers, "ann").await;
    fleet.finish(records);
}

fn long_race() -> Duration {
    let seconds = match env::var(LONG_RACE_VARIABLE) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{LONG_RACE_VARIABLE} is no number of seconds: {text:?}")),
        Err(_) => LONG_RACE_DEFAULT_SECONDS,
    };
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_known_to_every_server_and_signs_out_of_all() {
    let fleet = Fleet::start().await;
    let [first, second] = &fleet.servers[..] else {
        panic!("two servers")
    };
    sign_out_everywhere(first, second).await;
    fleet.finish(0);
}

async fn sign_out_everywhere(first: &Server, second: &Server) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let post = |server: &Server, path: &str| client.post(format!("{}{path}", server.url()));
    let account = serde_json::json!({
        "username": "ann", "email": "ann@example.com", "password": "correct horse battery",
        "device_id": "phone",
    });
    let registered = post(first, "/api/auth/register")
        .json(&account)
        .send()
        .await;
    let registered = registered.expect("the server answers");
    let signed_in: serde_json::Value = registered.json().await.expect("JSON");
    let token = |name: &str| signed_in[name].as_str().expect("a token").to_owned();
    let refresh = async |server: &Server| {
        let request = post(server, "/api/auth/refresh").bearer_auth(token("refresh_token"));
        request.send().await.expect("the server answers").status()
    };
    // The one server rotates; to the other the old token is a reused one, and ends the sign-in.
    assert_eq!(refresh(second).await, 200);
    assert_eq!(refresh(first).await, 401);
    assert_eq!(refresh(second).await, 401);
}
