SELECT
    session_id, created_at, updated_at, deleted_at, live, start_time, start_time_stamp, end_time,
    end_time_stamp, is_active, is_active_stamp, enabled_sensors, enabled_sensors_stamp, sample_rate,
    sample_rate_stamp, notes, notes_stamp, data_count, data_bytes, series_count, data_purged_at
FROM recording_sessions
WHERE user_id = $1 AND live AND created_at < $2
ORDER BY created_at DESC LIMIT $3
