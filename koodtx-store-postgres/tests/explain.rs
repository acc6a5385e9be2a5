//! The plans of the hot statements, with as many rows as a large installation has.

use koodtx_store_postgres::testing::{TestCluster, TestDatabase, statements};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Blocks of all users together.
const BLOCKS_COUNT: usize = 1_000_000;
/// Of which this many are in one series of user 1, the others in 1,000 sessions of 100 users.
const LONG_SERIES_BLOCKS: usize = 20_000;

/// Accounts, sign-ins and clocks of 100,000 users; sessions and log entries of 101 of them: user 1 has 20,000 sessions, user 2 has
/// 10, the others have 100 each. Then a million blocks, without their arrays, which no plan looks at.
const FILL: &str = "
    INSERT INTO user_clock (user_id, clock, live_sessions)
    SELECT u, 'epoch', 100 FROM generate_series(1, 100000) u;

    INSERT INTO users (
        user_id, username, email, password_hash, is_active, created_at, updated_at
    )
    SELECT u, 'user ' || u, 'email ' || u, 'hash', true, 'epoch', 'epoch' FROM generate_series(1, 100000) u;

    INSERT INTO refresh_tokens (user_id, sign_in_id, token_hash, created_at, expires_at)
    SELECT u, gen(u, s), '', 'epoch', 'infinity' FROM generate_series(1, 100000) u, generate_series(1, 2) s;

    INSERT INTO recording_sessions (
        user_id, session_id, created_at, updated_at, live, is_active, data_count, series_count, series
    )
    SELECT u, gen(u, s), at, at, true, false, 0, 0, '{}'
    FROM generate_series(1, 101) u
        CROSS JOIN LATERAL generate_series(1, CASE u WHEN 1 THEN 20000 WHEN 2 THEN 10 ELSE 100 END) s
        CROSS JOIN LATERAL (SELECT 'epoch'::timestamptz + make_interval(secs => s)) AS t (at);

    INSERT INTO sync_logs (
        user_id, log_id, kind, status, records_count, inserted, updated, duplicates_count, errors_count,
        sensor_types, body_bytes, started_at, completed_at
    )
    SELECT u, l, 'pull', 'success', 0, 0, 0, 0, 0, '{}', 0, 'epoch', 'epoch'
    FROM generate_series(1, 101) u, generate_series(1, 1000) l;

    INSERT INTO sensor_blocks (
        user_id, session_id, sensor_type, first_time, last_time, record_count, changed_at, time_unit,
        change_clocks, change_counts, checksum
    )
    SELECT
        CASE WHEN b <= $LONG THEN 1 ELSE 3 + b % 99 END,
        CASE WHEN b <= $LONG THEN gen(1, 1) ELSE gen(3 + b % 99, 1 + b / 99 % 10) END,
        CASE WHEN b <= $LONG OR b % 3 = 0 THEN 'accelerometer' ELSE 'gyroscope' END,
        b * 1000, b * 1000 + 999, 512, 'epoch'::timestamptz + make_interval(secs => b / 1000), 1, '{}', '{}', 0
    FROM generate_series(1, $BLOCKS) b;
";

/// A session id made of the user and a number.
const GEN: &str = "
    CREATE FUNCTION gen(u bigint, s bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex(u), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(s), 12, '0'))::uuid
    $$;
";

struct Filled {
    _database: TestDatabase,
    connection: PgConnection,
}

impl Filled {
    /// With or without statistics of the blocks.
    async fn new(analyze: bool) -> Self {
        let database = TestCluster::shared().database().await;
        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        run(&mut connection, GEN).await;
        let fill = FILL
            .replace("$LONG", &LONG_SERIES_BLOCKS.to_string())
            .replace("$BLOCKS", &BLOCKS_COUNT.to_string());
        // Blocks come so fast that a push may be planned before there are statistics.
        run(
            &mut connection,
            "ALTER TABLE sensor_blocks SET (autovacuum_enabled = off)",
        )
        .await;
        run(&mut connection, &fill).await;
        run(
            &mut connection,
            "VACUUM ANALYZE users, refresh_tokens, user_clock, recording_sessions, sync_logs",
        )
        .await;
        if analyze {
            run(&mut connection, "VACUUM ANALYZE sensor_blocks").await;
        }
        Self {
            _database: database,
            connection,
        }
    }

    /// The plan of a statement with these parameters, as executed.
    async fn plan(&mut self, name: &str, types: &str, parameters: &str, mode: &str) -> Value {
        let (_, statement) = statements()
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        run(
            &mut self.connection,
            &format!("SET plan_cache_mode = {mode}"),
        )
        .await;
        run(
            &mut self.connection,
            &format!("PREPARE one ({types}) AS {statement}"),
        )
        .await;
        run(&mut self.connection, "BEGIN").await;
        let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE one ({parameters})");
        let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .unwrap();
        run(&mut self.connection, "ROLLBACK").await;
        run(&mut self.connection, "DEALLOCATE one").await;
        plan[0]["Plan"].clone()
    }
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Every scan of a plan: its kind, what it reads, and how many rows it looked at.
fn scans(plan: &Value) -> Vec<(String, String, f64)> {
    let mut found = Vec::new();
    let mut nodes = vec![plan];
    while let Some(node) = nodes.pop() {
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
        let kind = node["Node Type"].as_str().unwrap_or_default();
        let index = node["Index Name"]
            .as_str()
            .or(node["Relation Name"].as_str());
        let number = |field: &str| node[field].as_f64().unwrap_or(0.0);
        if let Some(index) = index {
            let rows = number("Actual Rows")
                + number("Rows Removed by Filter")
                + number("Rows Removed by Index Recheck");
            found.push((
                kind.to_owned(),
                index.to_owned(),
                rows * number("Actual Loops"),
            ));
        }
    }
    found
}

fn rows_of(plan: &Value) -> f64 {
    scans(plan).iter().map(|(.., rows)| rows).sum()
}

const MODES: [&str; 2] = ["force_generic_plan", "force_custom_plan"];
const LONG_SESSION: &str = "1, gen(1, 1)";

/// The hot statements, with parameters that touch few rows among many.
fn hot() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let last = LONG_SERIES_BLOCKS * 1000;
    let middle = last / 2;
    vec![
        (
            "token_holder",
            "bigint, uuid, timestamptz",
            format!("{LONG_SESSION}, 'epoch'"),
            "refresh_tokens_pkey",
        ),
        ("clock_lock", "bigint", "1".to_owned(), "user_clock_pkey"),
        (
            "session_find",
            "bigint, uuid",
            LONG_SESSION.to_owned(),
            "recording_sessions_pkey",
        ),
        (
            "blocks_directory",
            "bigint, uuid, text[], bigint[], bigint[], bigint",
            format!(
                "{LONG_SESSION}, '{{accelerometer,gps}}', '{{{last},{last}}}', '{{{last},{last}}}', 4096"
            ),
            "sensor_blocks_pkey",
        ),
        (
            "blocks_named",
            "bigint, uuid, text[], bigint[]",
            format!("{LONG_SESSION}, '{{accelerometer,accelerometer}}', '{{1000,{middle}}}'"),
            "sensor_blocks_pkey",
        ),
        (
            "blocks_behind",
            "bigint, uuid, text[], bigint[], bigint, timestamptz",
            format!("{LONG_SESSION}, '{{accelerometer}}', '{{{middle}}}', 16, '-infinity'"),
            "sensor_blocks_pkey",
        ),
        (
            "blocks_ahead",
            "bigint, uuid, text[], bigint[], bigint[], bigint[]",
            format!(
                "{LONG_SESSION}, '{{accelerometer,gps}}', '{{{middle},{middle}}}', '{{16,2}}', '{{99999,1}}'"
            ),
            "sensor_blocks_pkey",
        ),
        (
            "blocks_from",
            "bigint, uuid, text[], bigint[]",
            format!("{LONG_SESSION}, '{{accelerometer,gps}}', '{{{last},{last}}}'"),
            "sensor_blocks_pkey",
        ),
        (
            "push_find",
            "bigint, uuid",
            LONG_SESSION.to_owned(),
            "recording_sessions_pkey",
        ),
        (
            "blocks_changed",
            "bigint, uuid, text[], bigint[], bigint, timestamptz",
            format!("{LONG_SESSION}, '{{accelerometer}}', '{{0}}', 16, '1970-01-01 00:00:19Z'"),
            "sensor_blocks_changes",
        ),
        (
            "blocks_changed_count",
            "bigint, uuid, timestamptz, bigint",
            format!("{LONG_SESSION}, '1970-01-01 00:00:19Z', 1025"),
            "sensor_blocks_changes",
        ),
        (
            "block_next",
            "bigint, uuid, text, bigint",
            format!("{LONG_SESSION}, 'accelerometer', {middle}"),
            "sensor_blocks_pkey",
        ),
        (
            "pull_changed",
            "bigint, timestamptz, bigint, bigint, timestamptz",
            "1, '-infinity', 0, 51, '1970-01-02'".to_owned(),
            "recording_sessions_changes",
        ),
        (
            "pull_all",
            "bigint, timestamptz, bigint, bigint",
            "1, '-infinity', 0, 51".to_owned(),
            "recording_sessions_user_id_created_at_key",
        ),
        (
            "log_recent",
            "bigint, bigint",
            "1, 10".to_owned(),
            "sync_logs_pkey",
        ),
    ]
}

#[tokio::test]
async fn hot_statements_use_their_index_among_a_million_blocks() {
    // More than any of them may look at: 2 series, 16 blocks, a page of sessions, 1,025 changes.
    const ROWS_MAX: f64 = 1_100.0;
    for analyze in [true, false] {
        let mut filled = Filled::new(analyze).await;
        for (name, types, parameters, index) in hot() {
            for mode in MODES {
                let plan = filled.plan(name, types, &parameters, mode).await;
                let scans = scans(&plan);
                let context = format!("{name}, {mode}, statistics: {analyze}: {plan:#}");
                assert!(
                    scans.iter().all(|(kind, ..)| kind != "Seq Scan"),
                    "{context}"
                );
                assert!(
                    scans.iter().any(|(_, used, _)| used == index),
                    "{index}: {context}"
                );
                assert!(
                    rows_of(&plan) <= ROWS_MAX,
                    "{} rows: {context}",
                    rows_of(&plan)
                );
            }
        }
    }
}

/// The cost of a delta pull with nothing changed, and of an append, does not grow with what is stored.
#[tokio::test]
async fn what_changes_nothing_touches_as_many_rows_whatever_is_stored() {
    let mut filled = Filled::new(true).await;
    let types = "bigint, timestamptz, bigint, bigint, timestamptz";
    for mode in MODES {
        let mut touched = Vec::new();
        // 10, 100 and 20,000 sessions.
        for user in [2, 3, 1] {
            let parameters = format!("{user}, '-infinity', 0, 51, '1970-01-02'");
            let plan = filled.plan("pull_changed", types, &parameters, mode).await;
            touched.push(rows_of(&plan));
        }
        assert!(
            touched.iter().all(|rows| *rows == touched[0]),
            "{mode}: {touched:?}"
        );
        assert!(touched[0] <= 2.0, "{mode}: {touched:?}");
    }
    let types = "bigint, uuid, text[], bigint[], bigint[], bigint";
    let end = BLOCKS_COUNT * 1000 + 1;
    for mode in MODES {
        let mut touched = Vec::new();
        // Series of some hundred and of 20,000 blocks.
        for session in ["3, gen(3, 1)", LONG_SESSION] {
            let parameters =
                format!("{session}, '{{accelerometer}}', '{{{end}}}', '{{{end}}}', 4096");
            let plan = filled
                .plan("blocks_directory", types, &parameters, mode)
                .await;
            touched.push(rows_of(&plan));
        }
        assert_eq!(touched[0], touched[1], "{mode}");
        assert!(touched[0] > 0.0);
    }
}
