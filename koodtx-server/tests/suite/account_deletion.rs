//! Deleting one's account, and taking everything along before.

use koodtx_core::id::UserId;
use koodtx_core::store::TransferItem;
use koodtx_core::time::Timestamp;
use serde_json::{Value, json};

use super::start;
use crate::support::{Account, Reply, TestServer, push_body};

async fn delete(server: &TestServer, account: &Account, body: Value) -> Reply {
    let request = server.delete("/api/auth/account").by(account).json(&body);
    request.send().await
}

async fn push(server: &TestServer, account: &Account) -> Reply {
    let body = push_body(1, 100);
    let request = server.post("/api/sync/push").by(account).json(&body);
    request.send().await
}

fn right() -> Value {
    json!({ "password": Account::PASSWORD })
}

#[tokio::test]
async fn a_deleted_account_is_out_at_once_and_leaves_nothing() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let watch = server.login("ann", "watch").await;
    let ben = server.register("ben").await;
    for account in [&ann, &ben] {
        push(&server, account).await.ok();
        let pull = server.post("/api/sync/pull").by(account).json(&json!({}));
        pull.send().await.ok();
    }
    delete(&server, &ann, json!({ "password": "not the password" }))
        .await
        .is(401, "invalid_credentials");
    delete(&server, &ann, json!({})).await.names("password");
    push(&server, &ann).await.ok();

    delete(&server, &ann, right()).await.ok();
    for account in [&ann, &watch] {
        push(&server, account).await.is(401, "token_invalid");
        let refresh = server.post("/api/auth/refresh").bearer(&account.refresh);
        refresh.send().await.is(401, "token_invalid");
    }
    delete(&server, &ann, right())
        .await
        .is(401, "token_invalid");
    let login = json!({ "username": "ann", "password": Account::PASSWORD });
    let login = server.post("/api/auth/login").json(&login).send().await;
    login.is(401, "invalid_credentials");

    // The job may be at it as well.
    while server.store.erase_deleted(10).await.unwrap().has_more {}
    let mut export = server.store.export_user(UserId(ann.id)).await.unwrap();
    let first = export.next().await.unwrap();
    assert!(matches!(first, Some(TransferItem::Deleted(_))), "{first:?}");
    let second = export.next().await.unwrap();
    assert_eq!(second, Some(TransferItem::Clock(Timestamp::ZERO)));
    assert_eq!(export.next().await.unwrap(), None);
    drop(export);
    let usage = server.store.usage().await.unwrap();
    let counts = (usage.users, usage.sessions, usage.records);
    assert_eq!(counts, (1, 1, 100));
    push(&server, &ben).await.ok();
}

#[tokio::test]
async fn only_the_name_of_a_deleted_account_stays_taken() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    delete(&server, &ann, right()).await.ok();
    let register = |username: &str| {
        let body = json!({
            "username": username, "email": "ann@example.com",
            "password": Account::PASSWORD, "device_id": "ann-phone",
        });
        server.post("/api/auth/register").json(&body).send()
    };
    register("Ann").await.is(409, "username_taken");
    let another = register("another").await;
    assert_eq!(another.status, 201, "{}", another.text);
    assert!(Account::of(&another).id > ann.id);
}

#[tokio::test]
async fn attempts_to_delete_an_account_are_limited_like_sign_ins() {
    let server = start(&[("KOODTX_RATE_LIMIT", "2")]).await;
    let ann = server.register("ann").await;
    for _ in 0..2 {
        delete(&server, &ann, json!({ "password": "a guess" }))
            .await
            .is(401, "invalid_credentials");
    }
    delete(&server, &ann, right()).await.is(429, "rate_limited");
}

#[tokio::test]
async fn everything_of_an_account_is_a_file() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let ben = server.register("ben").await;
    for account in [&ann, &ben] {
        push(&server, account).await.ok();
    }
    let path = "/api/auth/account/export";
    server.get(path).send().await.is(401, "token_missing");
    let request = server.http.get(format!("http://{}{path}", server.address));
    let request = request.bearer_auth(&ann.access);
    let response = request.header("accept-encoding", "gzip").send().await;
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/zip");
    assert!(!headers.contains_key("content-encoding"));
    let name = format!("attachment; filename=\"account-{}.zip\"", ann.id);
    assert_eq!(headers["content-disposition"].to_str().unwrap(), name);

    let file = std::io::Cursor::new(response.bytes().await.unwrap());
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut member = |name: &str| {
        let member = archive.by_name(name).unwrap();
        std::io::read_to_string(member).unwrap()
    };
    let account: Value = serde_json::from_str(&member("account.json")).unwrap();
    assert_eq!(account["user"]["username"], "ann");
    assert_eq!(member("samples/000001.ndjson").lines().count(), 100);
    assert_eq!(member("sessions.ndjson").lines().count(), 1);
    assert_eq!(member("sync_log.ndjson").lines().count(), 1);
    assert_eq!(member("sign_ins.ndjson").lines().count(), 1);
}
