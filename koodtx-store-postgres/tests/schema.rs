//! Migrations: what they make, that they may run side by side, and what a server says of a schema that
//! is not its own.

use koodtx_core::store::{StoreError, StoreErrorKind};
use koodtx_store_postgres::testing::{TestCluster, TestDatabase};
use koodtx_store_postgres::{
    PostgresOptions, PostgresStore, SchemaState, SchemaStatus, migrate, schema_status,
};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

const RACERS_COUNT: usize = 8;

fn options(database: &TestDatabase) -> PostgresOptions {
    PostgresOptions::from_url(&database.url()).unwrap()
}

async fn execute(database: &TestDatabase, statement: &'static str) {
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn texts(database: &TestDatabase, query: &'static str) -> Vec<String> {
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::query_scalar(query)
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

async fn state(database: &TestDatabase) -> SchemaState {
    schema_status(&options(database)).await.unwrap().state
}

/// What opening a store and migrating say, which is the same where neither helps.
async fn refusal(database: &TestDatabase) -> String {
    let refused = |error: StoreError| {
        assert_eq!(error.kind(), StoreErrorKind::Internal, "{error}");
        assert!(!error.is_retryable());
        error.message().to_owned()
    };
    let opened = PostgresStore::open(&options(database)).await;
    let migrated = migrate(&options(database)).await;
    let message = refused(opened.unwrap_err());
    assert_eq!(message, refused(migrated.unwrap_err()));
    message
}

#[tokio::test]
async fn an_empty_database_is_migrated_step_by_step_once() {
    let database = TestCluster::shared().empty_database().await;
    let before = schema_status(&options(&database)).await.unwrap();
    assert_eq!(before.state, SchemaState::Empty);
    assert_eq!(before.applied, None);
    assert_eq!(before.pending[0].version, 1);
    assert_eq!(before.pending[0].description, "base");
    // Looking has changed nothing.
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    assert!(texts(&database, tables).await.is_empty());
    let refused = PostgresStore::open(&options(&database)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Internal);
    assert!(
        refused.message().contains("koodtx-server migrate"),
        "{refused}"
    );

    let after = migrate(&options(&database)).await.unwrap();
    assert_eq!(
        after,
        SchemaStatus {
            state: SchemaState::Current,
            applied: Some(before.latest),
            latest: before.latest,
            pending: Vec::new(),
        }
    );
    assert_eq!(migrate(&options(&database)).await.unwrap(), after);
    assert_eq!(schema_status(&options(&database)).await.unwrap(), after);
    PostgresStore::open(&options(&database)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_migrate_at_once_do_not_collide() {
    let database = TestCluster::shared().empty_database().await;
    let mut racers = JoinSet::new();
    for _ in 0..RACERS_COUNT {
        let options = options(&database);
        racers.spawn(async move { migrate(&options).await });
    }
    let ends = racers.join_all().await;
    assert_eq!(ends.len(), RACERS_COUNT);
    for end in ends {
        assert_eq!(end.unwrap().state, SchemaState::Current);
    }
    let twice = "SELECT version::text FROM _sqlx_migrations GROUP BY version HAVING count(*) > 1";
    assert!(texts(&database, twice).await.is_empty());
}

#[tokio::test]
async fn an_older_schema_is_refused_until_it_is_migrated() {
    let database = TestCluster::shared().empty_database().await;
    migrate(&options(&database)).await.unwrap();
    // As if the last migration, which does nothing on plain PostgreSQL, had not been applied.
    execute(
        &database,
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    )
    .await;
    let status = schema_status(&options(&database)).await.unwrap();
    assert_eq!(status.state, SchemaState::Behind);
    assert_eq!(status.pending.len(), 1);
    let refused = PostgresStore::open(&options(&database)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Internal);
    assert!(
        refused.message().contains("koodtx-server migrate"),
        "{refused}"
    );

    migrate(&options(&database)).await.unwrap();
    PostgresStore::open(&options(&database)).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = TestCluster::shared().database().await;
    execute(
        &database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', true, '\\x00', 1)",
    )
    .await;
    assert_eq!(state(&database).await, SchemaState::Ahead);
    let message = refusal(&database).await;
    assert!(message.contains("upgrade KooDTX"), "{message}");
}

#[tokio::test]
async fn a_migration_that_is_not_ours_is_refused() {
    let database = TestCluster::shared().database().await;
    execute(
        &database,
        "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 2",
    )
    .await;
    assert_eq!(
        state(&database).await,
        SchemaState::Different { version: 2 }
    );
    let message = refusal(&database).await;
    assert!(message.contains("migration 2"), "{message}");
}

#[tokio::test]
async fn an_unfinished_migration_is_refused() {
    let database = TestCluster::shared().database().await;
    execute(
        &database,
        "UPDATE _sqlx_migrations SET success = false WHERE version = 3",
    )
    .await;
    assert_eq!(
        state(&database).await,
        SchemaState::Unfinished { version: 3 }
    );
    let message = refusal(&database).await;
    assert!(message.contains("migration 3"), "{message}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_one_before_it() {
    let database = TestCluster::shared().empty_database().await;
    // In the way of the second migration.
    execute(&database, "CREATE TYPE sensor_block_v1 AS (n integer)").await;
    let failed = migrate(&options(&database)).await.unwrap_err();
    assert_eq!(failed.kind(), StoreErrorKind::Internal);
    assert!(failed.message().contains("migration 2"), "{failed}");
    let status = schema_status(&options(&database)).await.unwrap();
    assert_eq!(
        (status.state, status.applied),
        (SchemaState::Behind, Some(1))
    );

    execute(&database, "DROP TYPE sensor_block_v1").await;
    let status = migrate(&options(&database)).await.unwrap();
    assert_eq!(status.state, SchemaState::Current);
}

#[tokio::test]
async fn every_table_and_every_column_is_explained() {
    let database = TestCluster::shared().database().await;
    let unexplained = "
        SELECT c.relname || coalesce('.' || a.attname, '')
        FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL (
                SELECT 0 AS attnum, NULL AS attname
                UNION ALL
                SELECT attnum, attname FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
            ) a
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm')
            AND c.relname <> '_sqlx_migrations'
            AND CASE a.attnum
                WHEN 0 THEN obj_description(c.oid, 'pg_class')
                ELSE col_description(c.oid, a.attnum)
            END IS NULL
        ORDER BY 1";
    let found = texts(&database, unexplained).await;
    assert!(found.is_empty(), "no comment: {found:?}");
}

/// What Citus asks of tables that are distributed by user, and what the rules of the schema say.
#[tokio::test]
async fn the_user_leads_every_key_of_what_belongs_to_users() {
    let database = TestCluster::shared().database().await;
    let otherwise = "
        SELECT c.relname::text
        FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_class t ON t.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = t.relnamespace
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE n.nspname = 'public' AND a.attname <> 'user_id' AND t.relname <> '_sqlx_migrations'
        ORDER BY 1";
    assert_eq!(
        texts(&database, otherwise).await,
        [
            "last_user_id_pkey",
            "task_runs_pkey",
            "unfinished_import_pkey",
            "user_names_pkey"
        ]
    );
    let forbidden = "
        SELECT conname::text FROM pg_constraint WHERE contype = 'f'
        UNION ALL SELECT tgname::text FROM pg_trigger
        UNION ALL SELECT relname::text FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND relkind = 'S'";
    assert!(texts(&database, forbidden).await.is_empty());
}

#[tokio::test]
async fn arrays_of_blocks_stay_in_their_row_and_are_compressed() {
    let database = TestCluster::shared().database().await;
    let otherwise = "
        SELECT a.attname::text
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = 'sensor_blocks'::regclass AND a.attnum > 0 AND t.typcategory = 'A'
            AND a.attstorage <> 'm'";
    assert!(texts(&database, otherwise).await.is_empty());
    let compressions = texts(
        &database,
        "SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'",
    )
    .await;
    let expected = compressions.contains(&"lz4".to_owned());
    // The column of the catalogue came with the setting, so a server without it has no 'l'.
    let lz4 = texts(
        &database,
        "SELECT attname::text FROM pg_attribute a
         WHERE attrelid = 'sensor_blocks'::regclass AND to_jsonb(a) ->> 'attcompression' = 'l'",
    )
    .await;
    assert_eq!(!lz4.is_empty(), expected, "{compressions:?}");
}
