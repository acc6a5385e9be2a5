SELECT session_id, clock, result::text FROM session_analyses WHERE user_id = $1 AND session_id = $2
