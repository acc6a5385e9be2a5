-- The sensor types of each entry are a JSON array: arrays of arrays have to be rectangular.
INSERT INTO sync_logs (
    user_id, log_id, kind, status, session_id, device_id, records_count, inserted, updated,
    duplicates_count, errors_count, sensor_types, body_bytes, started_at, completed_at, error,
    request_id
)
SELECT
    $1, e.log_id, e.kind, e.status, e.session_id, e.device_id, e.records_count, e.inserted, e.updated,
    e.duplicates_count, e.errors_count, ARRAY(SELECT jsonb_array_elements_text(e.sensor_types::jsonb)),
    e.body_bytes, e.started_at, e.completed_at, e.error, e.request_id
FROM unnest(
    $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::timestamptz[],
    $15::timestamptz[], $16::text[], $17::text[]
) AS e (
    log_id, kind, status, session_id, device_id, records_count, inserted, updated,
    duplicates_count, errors_count, sensor_types, body_bytes, started_at, completed_at, error,
    request_id
)
ON CONFLICT (user_id, log_id) DO NOTHING
