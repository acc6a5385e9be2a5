//! The schema of a database, brought up to date by the real binary.

use std::process::{Child, Output, Stdio};

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::{Device, Folder};

/// Processes that migrate at the same time.
const RACERS_COUNT: usize = 4;

/// What a command printed, and whether it succeeded.
struct Outcome {
    succeeded: bool,
    out: String,
    err: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            succeeded: output.status.success(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Outcome {
    /// Fails unless the command did, and said all of `words` on standard error.
    #[track_caller]
    fn failed_with(&self, words: &[&str]) {
        assert!(!self.succeeded, "{}", self.out);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {}", self.err);
        }
    }

    /// Fails unless the command did as expected, and printed all of `words`.
    #[track_caller]
    fn printed(&self, succeeded: bool, words: &[&str]) {
        assert_eq!(self.succeeded, succeeded, "{}{}", self.out, self.err);
        for word in words {
            assert!(self.out.contains(word), "no {word:?} in {}", self.out);
        }
    }
}

async fn empty() -> (TestDatabase, Folder) {
    let database = TestCluster::shared().empty_database().await;
    let folder = Folder::on(database.url());
    (database, folder)
}

fn run(folder: &Folder, arguments: &[&str]) -> Outcome {
    folder.run(arguments).into()
}

async fn execute(database: &TestDatabase, statement: &str) {
    let mut connection = PgConnection::connect(&database.url())
        .await
        .expect("the database answers");
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the statement is good");
    connection.close().await.expect("the database answers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_migrated_once_and_served_only_then() {
    let (_database, folder) = empty().await;
    run(&folder, &["migrate", "--status"]).printed(
        false,
        &["no schema yet", "koodtx-server migrate", "pending  1 "],
    );
    let refusal = [
        "postgres:///test_",
        "no schema yet",
        "koodtx-server migrate",
    ];
    run(&folder, &["serve", "--listen", "127.0.0.1:0"]).failed_with(&refusal);
    run(&folder, &["verify"]).failed_with(&refusal);
    run(&folder, &["user", "list"]).failed_with(&refusal);
    // Asking changed nothing.
    run(&folder, &["migrate", "--status"]).printed(false, &["no schema yet"]);

    run(&folder, &["migrate"]).printed(true, &["is current", "applied  1 "]);
    run(&folder, &["migrate", "--status"]).printed(true, &["is current"]);
    let again = run(&folder, &["init-db"]);
    again.printed(true, &["is current"]);
    assert!(!again.out.contains("applied"), "{}", again.out);

    let server = folder.start();
    Device::register(&server, "ann").await;
    server.stop();
    run(&folder, &["user", "list"]).printed(true, &["ann@example.com"]);
    run(&folder, &["verify"]).printed(true, &["0 sessions, 0 records, 0 problems"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_migrates_where_it_is_told_to() {
    let (_database, folder) = empty().await;
    let server = folder.start_by(&["serve", "--migrate"], &[]);
    Device::register(&server, "ann").await;
    server.stop();
    // The flag goes without the command too, and does nothing where nothing is to do.
    let server = folder.start_by(&["--migrate"], &[]);
    Device::login(&server, "ann", "second").await;
    server.stop();
    run(&folder, &["migrate", "--status"]).printed(true, &["is current"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    let (database, folder) = empty().await;
    run(&folder, &["migrate"]).printed(true, &[]);
    // As a release before the last migration left it: that one changes nothing on plain PostgreSQL.
    execute(
        &database,
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    )
    .await;
    run(&folder, &["migrate", "--status"]).printed(false, &["is needed", "pending  "]);
    let refusal = ["is needed", "koodtx-server migrate"];
    run(&folder, &["--listen", "127.0.0.1:0"]).failed_with(&refusal);
    run(&folder, &["migrate"]).printed(true, &["is current", "applied  "]);
    folder.start().stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_or_foreign_schema_is_refused_and_left_alone() {
    let (database, folder) = empty().await;
    run(&folder, &["migrate"]).printed(true, &[]);
    execute(
        &database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'of the future', true, '\\x00', 0)",
    )
    .await;
    let commands = [
        &["--listen", "127.0.0.1:0"][..],
        &["--listen", "127.0.0.1:0", "--migrate"],
        &["migrate"],
        &["verify"],
    ];
    for command in commands {
        run(&folder, command).failed_with(&["9999", "upgrade KooDTX"]);
    }
    run(&folder, &["migrate", "--status"]).printed(false, &["9999", "upgrade KooDTX"]);

    execute(
        &database,
        "DELETE FROM _sqlx_migrations WHERE version = 9999; \
         UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1",
    )
    .await;
    for command in commands {
        run(&folder, command).failed_with(&["migration 1 ", "use another database"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_do_not_collide() {
    let (_database, folder) = empty().await;
    let racers: Vec<Child> = (0..RACERS_COUNT)
        .map(|_| {
            let mut command = folder.command();
            command.arg("migrate");
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the binary runs")
        })
        .collect();
    for racer in racers {
        let output = racer.wait_with_output().expect("the binary ends");
        Outcome::from(output).printed(true, &["is current"]);
    }
    run(&folder, &["migrate", "--status"]).printed(true, &["is current"]);
    folder.start().stop();
}
