DELETE FROM recording_sessions WHERE user_id = $1 AND session_id IN (
    SELECT s.session_id FROM recording_sessions s WHERE s.user_id = $1 ORDER BY s.session_id LIMIT $2
)
