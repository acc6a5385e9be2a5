SELECT
    log_id, kind, status, session_id, device_id, records_count, inserted, updated, duplicates_count,
    errors_count, sensor_types, body_bytes, started_at, completed_at, error, request_id
FROM sync_logs WHERE user_id = $1 ORDER BY log_id DESC LIMIT $2
