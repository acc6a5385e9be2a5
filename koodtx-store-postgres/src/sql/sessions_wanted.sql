-- Live sessions of all users that a task looks for, of one step of its walk: $3 names the filter, $4 is its
-- moment, and the step ends at ($6, $7).
SELECT
    s.user_id,
    s.session_id, s.created_at, s.updated_at, s.deleted_at, s.live, s.start_time, s.start_time_stamp,
    s.end_time, s.end_time_stamp, s.is_active, s.is_active_stamp, s.enabled_sensors,
    s.enabled_sensors_stamp, s.sample_rate, s.sample_rate_stamp, s.notes, s.notes_stamp, s.data_count,
    s.data_bytes, s.series_count, s.data_purged_at
FROM recording_sessions s
WHERE (s.user_id, s.created_at) > ($1, $2) AND (s.user_id, s.created_at) <= ($6, $7) AND s.live AND CASE $3
    WHEN 'ended' THEN
        NOT s.is_active AND s.data_count > 0 AND s.updated_at < $4
            AND (s.end_time IS NULL OR s.end_time < $4)
    WHEN 'stalled' THEN s.is_active AND s.updated_at < $4
    WHEN 'created' THEN s.created_at >= $4
    WHEN 'unanalysed' THEN
        NOT s.is_active AND s.data_count > 0 AND NOT EXISTS (
            SELECT FROM session_analyses a
            WHERE a.user_id = s.user_id AND a.session_id = s.session_id
                AND (a.clock >= s.updated_at OR s.data_purged_at IS NOT NULL)
        )
    END
ORDER BY s.user_id, s.created_at LIMIT $5
