SELECT session_id FROM recording_sessions WHERE user_id = $1 AND created_at = $2
