DELETE FROM recording_sessions WHERE user_id = $1 AND session_id = $2
