//! `koodtx-server verify --repair`.

use koodtx_store_postgres::testing::TestCluster;
use sqlx::PgPool;

use crate::support::{Running, TestServer, finish, program, push_body, run};

#[tokio::test]
async fn wrong_counters_are_put_right_and_samples_stay() {
    let database = TestCluster::shared().database().await;
    let url = database.url();
    let server = TestServer::by_settings(&[("KOODTX_STORE", &url)]).await;
    let ann = server.register("ann").await;
    for session in 1..=2 {
        let body = push_body(session, 100);
        let push = server.post("/api/sync/push").by(&ann).json(&body);
        push.send().await.ok();
    }
    server.stop().await;

    let pool = PgPool::connect(&url).await.unwrap();
    for sql in [
        "UPDATE recording_sessions SET data_count = 7 WHERE created_at = \
         (SELECT min(created_at) FROM recording_sessions)",
        "UPDATE user_clock SET live_sessions = 9, records = 1",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = run(folder.path(), &["verify", "--store", &url]);
    assert!(code == 1 && out.contains("1 problems"), "{out}{err}");
    let (code, out, err) = run(folder.path(), &["verify", "--repair", "--store", &url]);
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "100 records in 1 series with 2500 bytes counted, were 7 in 1 with 2500",
        "2 live sessions",
        "with 200 records of 5000 bytes counted",
        "2 repairs",
        "2 sessions, 200 records, 0 problems",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (code, out, _) = run(folder.path(), &["verify", "--repair", "--store", &url]);
    assert!(code == 0 && out.contains("0 repairs"), "{out}");
}

#[test]
fn an_embedded_store_is_repaired_while_no_server_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &[]);
    let (code, _, err) = run(folder.path(), &["verify", "--repair"]);
    assert!(code == 1 && err.contains("koodtx-data"), "{err}");
    assert_eq!(server.stop(), 0);
    let output = program(folder.path(), &["verify", "--repair"]).output();
    let (code, out, _) = finish(output.unwrap());
    assert!(code == 0 && out.contains("0 repairs"), "{out}");
}
