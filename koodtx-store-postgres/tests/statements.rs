//! The rules of design for every statement of the store: what lets the tables be distributed by user.

use std::collections::BTreeSet;
use std::path::PathBuf;

use koodtx_store_postgres::testing::{TestCluster, statements};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Statements that do not say `user_id = $1`, and why they may.
const EXCEPTIONS: [(&str, &str); 37] = [
    ("server_version", "about the server"),
    ("schema_exists", "about the schema"),
    ("schema_applied", "about the schema"),
    ("block_type", "about the schema"),
    ("is_durable", "about the server"),
    ("ping", "about the server"),
    ("user_id_next", "the counter of accounts, on every node"),
    ("user_id_last", "ends an import: the highest id of all"),
    ("user_id_raise", "the counter of accounts, on every node"),
    (
        "user_names_take",
        "inserts names of user $1 into a table that is on every node",
    ),
    (
        "user_by_name",
        "finds the user, in a table that is on every node",
    ),
    ("user_insert", "inserts a row of user $1"),
    ("user_import", "inserts a row of user $1"),
    ("users_page", "operators list all accounts"),
    ("users_count", "operators count all accounts"),
    ("totals", "operators add up all users"),
    ("disk_bytes", "about the tables"),
    ("clock_begin", "inserts a row of user $1"),
    ("family_insert", "inserts a row of user $1"),
    ("family_import", "inserts a row of user $1"),
    (
        "round_remember",
        "inserts a row of user $1, and names the user where it deletes",
    ),
    (
        "deleted_user_next",
        "tasks look for users of whom something is left",
    ),
    ("deleted_user_write", "inserts a row of user $1"),
    ("verify_positions", "operators go through all users"),
    ("transfer_next_user", "operators go through all users"),
    ("import_source", "one row, on every node"),
    ("import_begin", "one row, on every node"),
    ("import_end", "one row, on every node"),
    ("log_import", "inserts rows of user $1"),
    ("analysis_write", "inserts a row of user $1"),
    ("sessions_step", "tasks go through all users"),
    ("sessions_wanted", "tasks go through all users"),
    ("task_run_write", "what tasks did, on every node"),
    ("task_runs_read", "what tasks did, on every node"),
    ("rounds_forget", "tidies up after all users"),
    ("families_forget", "tidies up after all users"),
    ("vacuum", "about the tables"),
];

/// Without comments, and with every white space a blank.
fn bare(statement: &str) -> String {
    let lines = statement
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_statement_names_its_user() {
    let known: BTreeSet<&str> = statements().iter().map(|(name, _)| *name).collect();
    for (name, reason) in EXCEPTIONS {
        assert!(known.contains(name), "{name} ({reason}) is no statement");
    }
    for (name, statement) in statements() {
        let names_user = bare(statement).contains("user_id = $1");
        let is_excepted = EXCEPTIONS.iter().any(|(excepted, _)| excepted == name);
        assert!(
            names_user || is_excepted,
            "{name} has to say `user_id = $1`, or to be excepted with a reason:\n{statement}"
        );
        let is_insert = bare(statement).starts_with("INSERT");
        assert!(
            !(names_user && is_excepted) || is_insert || *name == "round_remember",
            "{name} says `user_id = $1` and needs no exception"
        );
    }
}

/// Each table of a statement that is distributed is restricted to the user by itself.
#[test]
fn every_distributed_table_of_a_statement_is_restricted() {
    const DISTRIBUTED: [&str; 9] = [
        "users",
        "deleted_users",
        "refresh_tokens",
        "user_clock",
        "recording_sessions",
        "sensor_blocks",
        "session_analyses",
        "sync_logs",
        "pull_rounds",
    ];
    for (name, statement) in statements() {
        if EXCEPTIONS.iter().any(|(excepted, _)| excepted == name) {
            continue;
        }
        let text = bare(statement);
        let words: Vec<&str> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .collect();
        let reads = words
            .windows(2)
            .filter(|pair| {
                ["FROM", "JOIN", "UPDATE"].contains(&pair[0]) && DISTRIBUTED.contains(&pair[1])
            })
            .count();
        let restrictions = text.matches("user_id = $1").count();
        assert!(
            restrictions >= reads,
            "{name} reads {reads} tables and restricts {restrictions}:\n{statement}"
        );
    }
}

#[test]
fn nothing_that_distributed_tables_refuse() {
    for (name, statement) in statements() {
        let text = bare(statement).to_lowercase();
        for forbidden in [
            "now()",
            "current_timestamp",
            "clock_timestamp",
            "random()",
            "merge into",
            "xmax",
            "on constraint",
            "nextval",
            "trigger",
            "pg_advisory",
        ] {
            assert!(!text.contains(forbidden), "{name} has {forbidden}");
        }
    }
}

#[test]
fn every_file_is_a_statement_that_is_used() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: BTreeSet<String> = std::fs::read_dir(folder.join("sql"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let known: BTreeSet<String> = statements()
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(files, known);

    let mut source = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for name in known {
        let used = format!("statements::{}", name.to_uppercase());
        assert!(source.contains(&used), "{name} is not used");
    }
}

#[tokio::test]
async fn every_statement_is_one_that_the_database_understands() {
    let database = TestCluster::shared().database().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    for (name, statement) in statements() {
        // It cannot be prepared, and does no harm.
        if *name == "vacuum" {
            let vacuum = sqlx::query(AssertSqlSafe(*statement));
            vacuum.execute(&mut connection).await.unwrap();
            continue;
        }
        let prepare = format!("PREPARE one AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        sqlx::raw_sql("DEALLOCATE one")
            .execute(&mut connection)
            .await
            .unwrap();
    }
}
