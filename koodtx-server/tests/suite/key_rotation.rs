//! A new signing secret, while tokens of the old one are about.

use std::sync::Arc;

use koodtx_core::memory::MemoryStore;
use koodtx_core::store::Store;

use crate::support::{Account, TestServer};

const OLD: (&str, &str) = (
    "KOODTX_JWT_SECRET",
    "the first secret, which is long enough",
);
const NEW: (&str, &str) = (
    "KOODTX_JWT_SECRET",
    "the second secret, which is long enough",
);
const OLD_AS_PREVIOUS: (&str, &str) = ("KOODTX_JWT_SECRET_PREVIOUS", OLD.1);

async fn me(server: &TestServer, token: &str) -> (u16, String) {
    let reply = server.get("/api/auth/me").bearer(token).send().await;
    (reply.status, reply.code().to_owned())
}

/// The next pair.
async fn refresh(server: &TestServer, token: &str) -> (String, String) {
    let reply = server.post("/api/auth/refresh").bearer(token).send().await;
    let pair = reply.ok();
    let text = |name: &str| pair[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn tokens_of_the_previous_secret_are_good_until_they_end() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let before = TestServer::on(store.clone(), &[OLD]).await;
    let ann: Account = before.register("ann").await;
    before.stop().await;

    let rotated = TestServer::on(store.clone(), &[NEW, OLD_AS_PREVIOUS]).await;
    assert_eq!(me(&rotated, &ann.access).await.0, 200);
    let (access, next) = refresh(&rotated, &ann.refresh).await;
    assert_eq!(me(&rotated, &access).await.0, 200);
    // What the previous secret signed is checked as everything is.
    let reused = rotated.post("/api/auth/refresh").bearer(&ann.refresh);
    reused.send().await.is(401, "token_revoked");
    rotated.advance_seconds(3_601);
    let expired = (401, "token_expired".to_owned());
    assert_eq!(me(&rotated, &ann.access).await, expired);
    let again = rotated.login("ann", "tablet").await;
    rotated.stop().await;

    // New tokens are signed with the new secret: they outlive the old one.
    let after = TestServer::on(store.clone(), &[NEW]).await;
    let invalid = (401, "token_invalid".to_owned());
    assert_eq!(me(&after, &ann.access).await, invalid);
    assert_eq!(me(&after, &again.access).await.0, 200);
    refresh(&after, &again.refresh).await;
    // This family was revoked above, which is another thing than not being known.
    let of_revoked = (401, "token_revoked".to_owned());
    assert_eq!(me(&after, &access).await, of_revoked);
    let revoked = after.post("/api/auth/refresh").bearer(&next);
    revoked.send().await.is(401, "token_revoked");
    after.stop().await;

    let only_old = TestServer::on(store, &[OLD]).await;
    assert_eq!(me(&only_old, &again.access).await, invalid);
}

#[tokio::test]
async fn a_third_secret_is_refused() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let third = (
        "KOODTX_JWT_SECRET",
        "a third secret, which is long enough too",
    );
    let stranger = TestServer::on(store.clone(), &[third]).await;
    let ann = stranger.register("ann").await;
    stranger.stop().await;

    let server = TestServer::on(store, &[NEW, OLD_AS_PREVIOUS]).await;
    assert_eq!(
        me(&server, &ann.access).await,
        (401, "token_invalid".to_owned())
    );
    let refused = server.post("/api/auth/refresh").bearer(&ann.refresh);
    refused.send().await.is(401, "token_invalid");
}

#[tokio::test]
async fn servers_that_share_a_store_are_rotated_one_after_the_other() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    // First every server is told of the new secret, then one signs with it already.
    let new_as_previous = ("KOODTX_JWT_SECRET_PREVIOUS", NEW.1);
    let not_yet = TestServer::on(store.clone(), &[OLD, new_as_previous]).await;
    let already = TestServer::on(store, &[NEW, OLD_AS_PREVIOUS]).await;
    let ann = not_yet.register("ann").await;
    assert_eq!(me(&already, &ann.access).await.0, 200);
    let (access, next) = refresh(&already, &ann.refresh).await;
    assert_eq!(me(&not_yet, &access).await.0, 200);
    refresh(&not_yet, &next).await;
}
