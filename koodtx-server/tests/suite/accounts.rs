//! Registering, signing in, refreshing, signing out.

use koodtx_core::id::UserId;
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};

use super::start;
use crate::support::{Account, Reply, TestServer};

fn registration() -> Value {
    json!({
        "username": "Ann", "email": "ann@example.com",
        "password": Account::PASSWORD, "device_id": "phone",
    })
}

async fn refresh(server: &TestServer, token: &str) -> Reply {
    server.post("/api/auth/refresh").bearer(token).send().await
}

/// What an access token is answered with.
async fn access(server: &TestServer, account: &Account) -> Reply {
    server.get("/api/auth/me").by(account).send().await
}

fn refresh_token(reply: Reply) -> String {
    reply.ok()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_from_registration_to_sign_out() {
    let server = start(&[]).await;
    let reply = server
        .post("/api/auth/register")
        .json(&registration())
        .send()
        .await;
    assert_eq!(reply.status, 201);
    let ann = Account::of(&reply);
    let user = &reply.json["user"];
    assert_eq!(user["username"], "Ann");
    assert_eq!(user["device_id"], "phone");
    assert_eq!(user["is_active"], true);
    assert!(!reply.text.contains("argon2"));

    let me = server.get("/api/auth/me").by(&ann).send().await.ok();
    assert_eq!(me["user"], *user);

    // Names are found in any case; a device is no must.
    let body = json!({ "username": "aNN", "password": Account::PASSWORD });
    server.post("/api/auth/login").json(&body).send().await.ok();

    let logged_out = server.post("/api/auth/logout").by(&ann).send().await;
    logged_out.ok();
    refresh(&server, &ann.refresh)
        .await
        .is(401, "token_revoked");
    access(&server, &ann).await.is(401, "token_revoked");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_sign_in() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let other = server.login("ann", "watch").await;

    let second = refresh_token(refresh(&server, &ann.refresh).await);
    let third = refresh_token(refresh(&server, &second).await);
    refresh(&server, &second).await.is(401, "token_revoked");
    // The thief and the owner cannot be told apart, so the latest token ends too.
    refresh(&server, &third).await.is(401, "token_revoked");
    access(&server, &ann).await.is(401, "token_revoked");
    // Other sign-ins go on.
    access(&server, &other).await.ok();
    refresh(&server, &other.refresh).await.ok();
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_one_succeeds() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let attempts = (0..8).map(|_| refresh(&server, &ann.refresh));
    let replies = futures_util::future::join_all(attempts).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        1
    );
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.status, 200 | 401))
    );
}

#[tokio::test]
async fn signing_out_ends_the_device_and_no_other() {
    let server = start(&[]).await;
    server.register("ann").await;
    let watch_1 = server.login("ann", "watch").await;
    let watch_2 = server.login("ann", "watch").await;
    let tablet = server.login("ann", "tablet").await;
    server
        .post("/api/auth/logout")
        .by(&watch_1)
        .send()
        .await
        .ok();
    refresh(&server, &watch_1.refresh)
        .await
        .is(401, "token_revoked");
    refresh(&server, &watch_2.refresh)
        .await
        .is(401, "token_revoked");
    access(&server, &watch_2).await.is(401, "token_revoked");
    access(&server, &tablet).await.ok();
    refresh(&server, &tablet.refresh).await.ok();
}

#[tokio::test]
async fn an_unknown_user_is_told_what_a_wrong_password_is_told() {
    let server = start(&[]).await;
    server.register("ann").await;
    let login = |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password });
        server.post("/api/auth/login").json(&body).send()
    };
    let wrong = login("ann", "not the password").await;
    let unknown = login("bob", "not the password").await;
    wrong.is(401, "invalid_credentials");
    assert_eq!(wrong.text, unknown.text);
    // No rule of passwords or names applies to attempts: it would tell which are worth trying.
    login("ann", "").await.is(401, "invalid_credentials");
    login("", &"x".repeat(10_000))
        .await
        .is(401, "invalid_credentials");
    login("a\u{0}b", "x").await.is(401, "invalid_credentials");
}

#[tokio::test]
async fn a_disabled_account_is_refused_everywhere_at_once() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let user = UserId(ann.id);
    server
        .store
        .set_active(user, false, Timestamp::now())
        .await
        .unwrap()
        .unwrap();

    let requests = [
        server.get("/api/auth/me").by(&ann),
        server.post("/api/auth/logout").by(&ann),
        server.post("/api/sync/push").by(&ann).json(&json!({})),
        server.post("/api/sync/pull").by(&ann),
        server.get("/api/sync/status").by(&ann),
        server.get("/api/sessions").by(&ann),
        server
            .get("/api/sessions/00000000-0000-4000-8000-000000000001")
            .by(&ann),
        server
            .delete("/api/sessions/00000000-0000-4000-8000-000000000001")
            .by(&ann),
        server.post("/api/auth/refresh").bearer(&ann.refresh),
    ];
    for request in requests {
        request.send().await.is(403, "account_disabled");
    }
    let login = |password: &str| {
        let body = json!({ "username": "ann", "password": password });
        server.post("/api/auth/login").json(&body).send()
    };
    login(Account::PASSWORD).await.is(403, "account_disabled");
    // Only who knows the password learns of it.
    login("not the password")
        .await
        .is(401, "invalid_credentials");

    server
        .store
        .set_active(user, true, Timestamp::now())
        .await
        .unwrap()
        .unwrap();
    // What the disabling has ended does not come back.
    access(&server, &ann).await.is(401, "token_revoked");
    refresh(&server, &ann.refresh)
        .await
        .is(401, "token_revoked");
}

#[tokio::test]
async fn what_is_taken_is_named() {
    let server = start(&[]).await;
    let first = server
        .post("/api/auth/register")
        .json(&registration())
        .send()
        .await;
    assert_eq!(first.status, 201);
    let cases = [
        (("username", "ann"), "username_taken"),
        (("email", "ANN@example.com"), "email_taken"),
        (("device_id", "phone"), "device_taken"),
    ];
    for ((field, value), code) in cases {
        let mut body = json!({
            "username": "bob", "email": "bob@example.com",
            "password": Account::PASSWORD, "device_id": "tablet",
        });
        body[field] = json!(value);
        let reply = server.post("/api/auth/register").json(&body).send().await;
        reply.is(409, code);
        assert_eq!(reply.field(), field);
    }
}

#[tokio::test]
async fn of_many_registrations_of_one_name_one_succeeds() {
    let server = start(&[]).await;
    let register = |index: usize| {
        let body = json!({
            "username": if index.is_multiple_of(2) { "ann" } else { "ANN" },
            "email": format!("{index}@example.com"),
            "password": Account::PASSWORD, "device_id": format!("device {index}"),
        });
        server.post("/api/auth/register").json(&body).send()
    };
    let replies = futures_util::future::join_all((0..6).map(register)).await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 201).count(),
        1
    );
    let others = replies.iter().filter(|reply| reply.status != 201);
    others.for_each(|reply| reply.is(409, "username_taken"));
}
