-- One page of everything a user has. A user without sessions is one row without a session.
SELECT
    c.clock, c.live_sessions,
    s.session_id, s.created_at, s.updated_at, s.deleted_at, s.live, s.start_time, s.start_time_stamp,
    s.end_time, s.end_time_stamp, s.is_active, s.is_active_stamp, s.enabled_sensors,
    s.enabled_sensors_stamp, s.sample_rate, s.sample_rate_stamp, s.notes, s.notes_stamp, s.data_count,
    s.data_bytes, s.series_count, s.data_purged_at
FROM user_clock c
    LEFT JOIN LATERAL (
        SELECT * FROM recording_sessions r
        WHERE r.user_id = $1 AND r.created_at > $2
        ORDER BY r.created_at OFFSET $3 LIMIT $4
    ) AS s ON true
WHERE c.user_id = $1
ORDER BY s.created_at
