-- One page of some sessions that changed after $5.
WITH named AS MATERIALIZED (
    SELECT r.created_at, r.live FROM recording_sessions r
    WHERE r.user_id = $1 AND r.session_id = ANY ($6) AND r.updated_at > $5
)
SELECT
    c.clock,
    (SELECT count(*) FROM named WHERE live),
    s.session_id, s.created_at, s.updated_at, s.deleted_at, s.live, s.start_time, s.start_time_stamp,
    s.end_time, s.end_time_stamp, s.is_active, s.is_active_stamp, s.enabled_sensors,
    s.enabled_sensors_stamp, s.sample_rate, s.sample_rate_stamp, s.notes, s.notes_stamp, s.data_count,
    s.data_bytes, s.series_count, s.data_purged_at
FROM user_clock c
    LEFT JOIN LATERAL (
        SELECT r.*
        FROM (
            SELECT p.created_at FROM named p
            WHERE p.created_at > $2 ORDER BY p.created_at OFFSET $3 LIMIT $4
        ) AS page
            CROSS JOIN LATERAL (
                SELECT * FROM recording_sessions one
                WHERE one.user_id = $1 AND one.created_at = page.created_at
                LIMIT 1
            ) AS r
    ) AS s ON true
WHERE c.user_id = $1
ORDER BY s.created_at
