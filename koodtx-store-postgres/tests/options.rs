//! Options: what a URL may say, and what reaches the database.

use std::time::Duration;

use koodtx_store_postgres::testing::TestCluster;
use koodtx_store_postgres::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};

const SECRET: &str = "hunter2";

#[test]
fn urls_of_both_schemes_and_of_sockets_are_read() {
    for url in [
        "postgres://u:p@127.0.0.1/db",
        "postgresql://u@db.example:6432/db?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://u@db.example/db?sslmode=require&sslcert=/c.pem&sslkey=/k.pem",
        "postgres:///db?host=/run/postgresql&port=5433&user=u",
        "postgres://%2Frun%2Fpostgresql/db",
        "postgres://u:a%23b%3Fc@h/db?application_name=x&options=-c%20geqo%3Doff",
    ] {
        PostgresOptions::from_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn what_would_be_ignored_or_misread_is_refused_with_a_reason() {
    for (url, reason) in [
        ("sled:///data", "postgres://"),
        ("mysql://u@h/db", "postgres://"),
        ("", "postgres://"),
        ("postgres://u@h/db?ssl_mode=require", "\"ssl_mode\""),
        (
            "postgres://u@h/db?sslmode=require&connect_timeout=3",
            "\"connect_timeout\"",
        ),
        ("postgres://u@h/db?sslmod", "\"sslmod\""),
        ("postgres://u@h/db?sslmode=allways", "allways"),
        ("postgres://u@h:port/db", "port"),
        ("postgres://u:a#b@h/db", "%23"),
    ] {
        let error = PostgresOptions::from_url(url).expect_err(url).to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
}

#[test]
fn the_password_is_never_shown() {
    for url in [
        format!("postgres://u:{SECRET}@h/db"),
        format!("postgres://u@h/db?password={SECRET}"),
    ] {
        let options = PostgresOptions::from_url(&url).unwrap();
        let shown = format!("{options:?} {options:#?}");
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(
            shown.contains("\"h\"") && shown.contains("\"db\""),
            "{shown}"
        );
    }
    for url in [
        format!("postgres://u:{SECRET}@h/db?what=1"),
        format!("postgres://u:{SECRET}@h:port/db"),
        format!("postgres://u:{SECRET}@[/db"),
        format!("postgres://u:{SECRET}#@h/db"),
        format!("postgres://u:?{SECRET}@h/db"),
        format!("postgres://u@h/db?password={SECRET}&sslmode=no"),
    ] {
        let error = PostgresOptions::from_url(&url).expect_err(&url);
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_shows_no_password_either() {
    let database = TestCluster::shared().database().await;
    let url = format!("{}&password={SECRET}", database.url());
    let options = PostgresOptions::from_url(&url).unwrap();
    let store = PostgresStore::open(&options).await.unwrap();
    let shown = format!("{store:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

/// A trigger that is only there to look: it writes down the settings of whoever updates the table.
const SPY: &str = "
    CREATE TABLE seen (name text, value text);
    CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO seen SELECT name, current_setting(name) FROM unnest(ARRAY[
            'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
            'application_name', 'TimeZone'
        ]) name;
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER spy AFTER INSERT ON users EXECUTE FUNCTION look();
";

#[tokio::test]
async fn the_limits_hold_in_the_database() {
    use koodtx_core::store::{AccountStore as _, NewUser};
    use koodtx_core::time::Timestamp;

    let database = TestCluster::shared().database().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql(SPY).execute(&mut connection).await.unwrap();
    let options = PostgresOptions::from_url(&database.url())
        .unwrap()
        .statement_timeout(Duration::from_secs(7))
        .lock_timeout(Duration::from_millis(1_500))
        .acquire_timeout(Duration::from_secs(3))
        .max_connections(0);
    let store = PostgresStore::open(&options).await.unwrap();
    let user = NewUser {
        username: "a".to_owned(),
        email: "a@example.org".to_owned(),
        device_id: None,
        password_hash: "hash".to_owned(),
    };
    let created = store.create_user(user, Timestamp::from_micros(1)).await;
    created.unwrap().unwrap();
    let seen: Vec<(String, String)> = sqlx::query_as("SELECT name, value FROM seen ORDER BY name")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("TimeZone", "UTC"),
            ("application_name", "koodtx"),
            ("idle_in_transaction_session_timeout", "1min"),
            ("lock_timeout", "1500ms"),
            ("statement_timeout", "7s"),
        ]
    );
}
