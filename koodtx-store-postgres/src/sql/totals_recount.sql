-- Sets the clock of a user, and counts the sessions anew.
INSERT INTO user_clock (user_id, clock, live_sessions, active_sessions, records, data_bytes)
SELECT
    $1, $2,
    count(*) FILTER (WHERE s.live),
    count(*) FILTER (WHERE s.live AND s.is_active),
    coalesce(sum(s.data_count), 0),
    coalesce(sum(s.data_bytes), 0)
FROM recording_sessions s WHERE s.user_id = $1
ON CONFLICT (user_id) DO UPDATE SET
    clock = excluded.clock,
    live_sessions = excluded.live_sessions,
    active_sessions = excluded.active_sessions,
    records = excluded.records,
    data_bytes = excluded.data_bytes
