//! What a token has to be to pass.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::start;
use crate::support::Account;

/// The claims of a token, as anybody can read them.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn signed(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

const SECRET: &str = "a secret of the tests, which is long enough";

#[tokio::test]
async fn every_way_to_have_no_valid_token() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let good = claims(&ann.access);
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed[field] = value;
        changed
    };
    let without = |field: &str| {
        let mut changed = good.clone();
        changed.as_object_mut().unwrap().remove(field);
        changed
    };
    // The tests' own way of signing passes, so what is refused below is refused for its reason.
    let forged_well = signed(Algorithm::HS256, &good, SECRET);
    server
        .get("/api/auth/me")
        .bearer(&forged_well)
        .send()
        .await
        .ok();

    let unsigned = {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT" }).to_string());
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode(good.to_string()))
    };
    let foreign = "another secret, which is long enough as well";
    let tampered = {
        let mut parts: Vec<_> = ann.access.split('.').map(str::to_owned).collect();
        parts[1] = URL_SAFE_NO_PAD.encode(with("sub", json!("2")).to_string());
        parts.join(".")
    };
    let cases = [
        ("none", unsigned, "token_invalid"),
        (
            "foreign signature",
            signed(Algorithm::HS256, &good, foreign),
            "token_invalid",
        ),
        (
            "foreign algorithm",
            signed(Algorithm::HS512, &good, SECRET),
            "token_invalid",
        ),
        ("tampered", tampered, "token_invalid"),
        (
            "unknown user",
            signed(Algorithm::HS256, &with("sub", json!("99")), SECRET),
            "token_invalid",
        ),
        (
            "no user",
            signed(Algorithm::HS256, &with("sub", json!("x")), SECRET),
            "token_invalid",
        ),
        (
            "other issuer",
            signed(Algorithm::HS256, &with("iss", json!("x")), SECRET),
            "token_invalid",
        ),
        (
            "no issuer",
            signed(Algorithm::HS256, &without("iss"), SECRET),
            "token_invalid",
        ),
        (
            "no expiry",
            signed(Algorithm::HS256, &without("exp"), SECRET),
            "token_invalid",
        ),
        (
            "no type",
            signed(Algorithm::HS256, &without("type"), SECRET),
            "token_invalid",
        ),
        (
            "expired",
            signed(Algorithm::HS256, &with("exp", json!(1)), SECRET),
            "token_expired",
        ),
        ("refresh token", ann.refresh.clone(), "token_wrong_type"),
        ("no token", "nonsense".to_owned(), "token_invalid"),
        ("long", "x".repeat(8_000), "token_invalid"),
    ];
    for (name, token, code) in cases {
        let reply = server.get("/api/auth/me").bearer(&token).send().await;
        assert_eq!((reply.status, reply.code()), (401, code), "{name}");
    }
    let me = || server.get("/api/auth/me");
    me().send().await.is(401, "token_missing");
    me().header("authorization", "Basic YTpi")
        .send()
        .await
        .is(401, "token_missing");
    me().header("authorization", "Bearer")
        .send()
        .await
        .is(401, "token_missing");
    me().header("authorization", &format!("bearer {}", ann.access))
        .send()
        .await
        .ok();
}

#[tokio::test]
async fn tokens_expire_by_the_servers_clock() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let lifetime = |token: &str| {
        let claims = claims(token);
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert_eq!(
        (lifetime(&ann.access), lifetime(&ann.refresh)),
        (3_600, 30 * 86_400)
    );

    server.advance_seconds(3_590);
    server.get("/api/auth/me").by(&ann).send().await.ok();
    server.advance_seconds(20);
    server
        .get("/api/auth/me")
        .by(&ann)
        .send()
        .await
        .is(401, "token_expired");

    let pair = server
        .post("/api/auth/refresh")
        .bearer(&ann.refresh)
        .send()
        .await
        .ok();
    let access = pair["access_token"].as_str().unwrap();
    server.get("/api/auth/me").bearer(access).send().await.ok();
    server.advance_seconds(31 * 86_400);
    let late = server
        .post("/api/auth/refresh")
        .bearer(pair["refresh_token"].as_str().unwrap());
    late.send().await.is(401, "token_expired");
}

#[tokio::test]
async fn an_access_token_refreshes_nothing() {
    let server = start(&[]).await;
    let ann = server.register("ann").await;
    let reply = server
        .post("/api/auth/refresh")
        .bearer(&ann.access)
        .send()
        .await;
    reply.is(401, "token_wrong_type");
    server
        .post("/api/auth/refresh")
        .send()
        .await
        .is(401, "token_missing");
}

#[tokio::test]
async fn lifetimes_are_settings() {
    let settings = [
        ("KOODTX_ACCESS_TOKEN_MINUTES", "5"),
        ("KOODTX_REFRESH_TOKEN_DAYS", "2"),
    ];
    let server = start(&settings).await;
    let ann: Account = server.register("ann").await;
    let lifetime = |token: &str| {
        let claims = claims(token);
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert_eq!(
        (lifetime(&ann.access), lifetime(&ann.refresh)),
        (300, 2 * 86_400)
    );
}

/// An access token that would outlive its sign-in says, and has, the shorter life.
#[tokio::test]
async fn an_access_token_lives_no_longer_than_its_sign_in() {
    const DAY_SECONDS: i64 = 86_400;
    let settings = [
        ("KOODTX_ACCESS_TOKEN_MINUTES", "4320"),
        ("KOODTX_REFRESH_TOKEN_DAYS", "1"),
    ];
    let server = start(&settings).await;
    let ann = server.register("ann").await;
    let said = claims(&ann.access);
    let lifetime = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
    assert_eq!(lifetime, DAY_SECONDS);
    let me = || server.get("/api/auth/me").by(&ann);
    server.advance_seconds(DAY_SECONDS - 10);
    me().send().await.ok();
    server.advance_seconds(20);
    me().send().await.is(401, "token_expired");
}

#[tokio::test]
async fn a_changed_password_signs_out_everywhere_else() {
    let server = start(&[]).await;
    let phone = server.register("ann").await;
    let watch = server.login("ann", "watch").await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        let request = server.post("/api/auth/password").by(&phone).json(&body);
        request.send().await
    };
    let new = "staple of a new one";
    change("wrong", new).await.is(401, "invalid_credentials");
    change(Account::PASSWORD, "short").await.names("password");
    let body = json!({ "current_password": Account::PASSWORD });
    let request = server.post("/api/auth/password").by(&phone).json(&body);
    request.send().await.names("new_password");

    let changed = Account::of(&change(Account::PASSWORD, new).await);
    for signed_out in [&phone, &watch] {
        let refresh = server.post("/api/auth/refresh").bearer(&signed_out.refresh);
        refresh.send().await.is(401, "token_revoked");
        let me = server.get("/api/auth/me").by(signed_out).send().await;
        me.is(401, "token_revoked");
    }
    server.get("/api/auth/me").by(&changed).send().await.ok();
    let refresh = server.post("/api/auth/refresh").bearer(&changed.refresh);
    assert_eq!(refresh.send().await.status, 200);
    for (password, status) in [(Account::PASSWORD, 401), (new, 200)] {
        let body = json!({ "username": "ann", "password": password });
        let login = server.post("/api/auth/login").json(&body).send().await;
        assert_eq!(login.status, status, "{}", login.text);
    }
}

#[tokio::test]
async fn devices_are_listed_and_signed_out_one_by_one() {
    let server = start(&[]).await;
    let phone = server.register("ann").await;
    let watch = server.login("ann", "watch").await;
    let ben = server.register("ben").await;
    let list = server.get("/api/auth/devices").by(&phone).send().await.ok();
    let devices = list["devices"].as_array().unwrap();
    let names: Vec<_> = devices.iter().map(|one| &one["device_id"]).collect();
    assert_eq!(names, ["ann-phone", "watch"]);
    let current: Vec<_> = devices.iter().map(|one| &one["is_current"]).collect();
    assert_eq!(current, [&json!(true), &json!(false)]);

    let id = devices[1]["sign_in_id"].as_str().unwrap();
    let path = format!("/api/auth/devices/{id}");
    let foreign = server.delete(&path).by(&ben).send().await;
    foreign.is(404, "device_not_found");
    let refresh = |account: &Account| server.post("/api/auth/refresh").bearer(&account.refresh);
    server.delete(&path).by(&phone).send().await.ok();
    refresh(&watch).send().await.is(401, "token_revoked");
    let me = |account: &Account| server.get("/api/auth/me").by(account);
    me(&watch).send().await.is(401, "token_revoked");
    me(&phone).send().await.ok();
    assert_eq!(refresh(&phone).send().await.status, 200);
    server
        .delete(&path)
        .by(&phone)
        .send()
        .await
        .is(404, "device_not_found");
    let wrong = server
        .delete("/api/auth/devices/watch")
        .by(&phone)
        .send()
        .await;
    wrong.names("sign_in_id");
    let list = server.get("/api/auth/devices").by(&phone).send().await.ok();
    assert_eq!(list["devices"].as_array().unwrap().len(), 1);
}
