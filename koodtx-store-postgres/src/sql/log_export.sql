SELECT
    log_id, kind, status, session_id, device_id, records_count, inserted, updated, duplicates_count,
    errors_count, sensor_types, body_bytes, started_at, completed_at, error, request_id
FROM sync_logs WHERE user_id = $1 AND log_id > $2
ORDER BY log_id LIMIT $3
