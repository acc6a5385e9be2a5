//! One row a sample, as most services keep them: what the blocks are compared with.

use koodtx_core::push::PushBatch;
use sqlx::PgPool;

const CREATE: &str = "\
CREATE TABLE IF NOT EXISTS sample_rows (
    session_id  uuid NOT NULL,
    sensor_type text NOT NULL,
    timestamp   bigint NOT NULL,
    data        jsonb NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (session_id, sensor_type, timestamp)
)";

/// One statement a push and sensor, which is what a careful service does.
const MERGE: &str = "\
INSERT INTO sample_rows
SELECT $1, $2, time, data::jsonb, now() FROM unnest($3::bigint[], $4::text[]) AS sample (time, data)
ON CONFLICT (session_id, sensor_type, timestamp) DO UPDATE
SET data = excluded.data, updated_at = excluded.updated_at
WHERE sample_rows.data IS DISTINCT FROM excluded.data";

/// Makes the table, empty.
pub(super) async fn create(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query(CREATE).execute(pool).await?;
    sqlx::query("TRUNCATE sample_rows").execute(pool).await?;
    Ok(())
}

/// Stores a push in one transaction.
pub(super) async fn push(pool: &PgPool, batch: &PushBatch) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    for series in &batch.series {
        let records = &series.records;
        let times: Vec<i64> = records.columns().times_micros().to_vec();
        let data: Vec<String> = (0..records.len()).map(|row| records.data(row)).collect();
        sqlx::query(MERGE)
            .bind(batch.session.session_id.0)
            .bind(series.sensor_type.as_str())
            .bind(times)
            .bind(data)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// Bytes of the table with its index.
pub(super) async fn disk_bytes(pool: &PgPool) -> sqlx::Result<u64> {
    let bytes: i64 = sqlx::query_scalar("SELECT pg_total_relation_size('sample_rows')")
        .fetch_one(pool)
        .await?;
    Ok(bytes.unsigned_abs())
}
