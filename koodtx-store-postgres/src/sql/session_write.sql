-- Writes a session, and the clock and the totals of its user.
WITH totals AS (
    UPDATE user_clock
    SET clock = $2, live_sessions = $3, active_sessions = $4, records = $5, data_bytes = $6
    WHERE user_id = $1
)
INSERT INTO recording_sessions (
    user_id,
    session_id, created_at, updated_at, deleted_at, live, start_time, start_time_stamp, end_time,
    end_time_stamp, is_active, is_active_stamp, enabled_sensors, enabled_sensors_stamp, sample_rate,
    sample_rate_stamp, notes, notes_stamp, data_count, data_bytes, series_count, data_purged_at,
    series
)
SELECT
    c.user_id, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25, $26, $27, $28
FROM user_clock c WHERE c.user_id = $1
ON CONFLICT (user_id, session_id) DO UPDATE SET
    updated_at = excluded.updated_at,
    deleted_at = excluded.deleted_at,
    live = excluded.live,
    start_time = excluded.start_time,
    start_time_stamp = excluded.start_time_stamp,
    end_time = excluded.end_time,
    end_time_stamp = excluded.end_time_stamp,
    is_active = excluded.is_active,
    is_active_stamp = excluded.is_active_stamp,
    enabled_sensors = excluded.enabled_sensors,
    enabled_sensors_stamp = excluded.enabled_sensors_stamp,
    sample_rate = excluded.sample_rate,
    sample_rate_stamp = excluded.sample_rate_stamp,
    notes = excluded.notes,
    notes_stamp = excluded.notes_stamp,
    data_count = excluded.data_count,
    data_bytes = excluded.data_bytes,
    series_count = excluded.series_count,
    data_purged_at = excluded.data_purged_at,
    series = excluded.series
