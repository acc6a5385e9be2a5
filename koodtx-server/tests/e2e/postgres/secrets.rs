//! The password of a database is shown nowhere.

use std::process::Output;

use koodtx_store_postgres::testing::TestCluster;

use super::own_cluster;
use crate::support::{Device, Folder};

const PASSWORD: &str = "hunter2";

#[track_caller]
fn assert_no_password(text: &str) {
    assert!(!text.contains(PASSWORD), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_banner_nor_log_nor_failures_show_the_password() {
    let cluster = own_cluster();
    let database = cluster.database().await;
    let port = cluster.port();
    let address = format!("127.0.0.1:{port}/{}", database.name());
    // The cluster asks for no password, so any will do.
    let folder = Folder::on(format!("postgres://koodtx:{PASSWORD}@{address}"));
    let server = folder.start_with(&[("RUST_LOG", "trace")]);
    assert!(server.banner().contains(&address), "{}", server.banner());
    assert_no_password(server.banner());
    Device::register(&server, "ann").await;
    server.stop();

    let urls = [
        // Nobody is there, wrong in themselves, and refused by the database.
        format!("postgres://koodtx:{PASSWORD}@127.0.0.1:1/koodtx"),
        format!("postgres://koodtx:{PASSWORD}@{address}?connect_timeout=1"),
        format!("postgres://koodtx:{PASSWORD}@{address}?sslmode=perhaps"),
        format!("postgres://koodtx:?{PASSWORD}@{address}"),
        format!("postgres://koodtx:#{PASSWORD}@{address}"),
        format!("postgres://{address}?user=koodtx&password={PASSWORD}&sslmode=require"),
        format!("postgresql://nobody:{PASSWORD}@{address}"),
    ];
    for url in urls {
        let commands = [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["migrate"],
            &["migrate", "--status"],
        ];
        for arguments in commands {
            let mut command = folder.command();
            command.args(arguments);
            command.env("KOODTX_POSTGRES_ACQUIRE_TIMEOUT_SECONDS", "1");
            command.env("KOODTX_STORE", &url).env("RUST_LOG", "trace");
            assert_fails_without_password(&Folder::finish(command));
        }
    }
    assert_no_password(&folder.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_elsewhere_needs_a_secret_for_tokens() {
    let database = TestCluster::shared().database().await;
    let folder = Folder::on(database.url());
    let mut command = folder.command();
    command.args(["--listen", "127.0.0.1:0"]);
    command.env_remove("KOODTX_JWT_SECRET");
    let output = Folder::finish(command);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && err.contains("KOODTX_JWT_SECRET has to be set"),
        "{err}"
    );
}

#[track_caller]
fn assert_fails_without_password(output: &Output) {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{out}{err}");
    assert!(err.contains("koodtx-server: "), "{err}");
    assert_no_password(&out);
    assert_no_password(&err);
}
