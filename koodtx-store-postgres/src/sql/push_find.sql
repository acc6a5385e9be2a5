-- What a push finds: the clock and the totals of its user, which version of them that is, and the session.
SELECT
    c.xmin::text AS version, c.clock, c.live_sessions, c.active_sessions, c.records,
    c.data_bytes AS user_bytes,
    s.session_id, s.created_at, s.updated_at, s.deleted_at, s.live, s.start_time, s.start_time_stamp,
    s.end_time, s.end_time_stamp, s.is_active, s.is_active_stamp, s.enabled_sensors,
    s.enabled_sensors_stamp, s.sample_rate, s.sample_rate_stamp, s.notes, s.notes_stamp, s.data_count,
    s.data_bytes, s.series_count, s.data_purged_at, s.series
FROM user_clock c
    LEFT JOIN recording_sessions s ON s.user_id = $1 AND s.session_id = $2
WHERE c.user_id = $1
