SELECT user_id, created_at FROM recording_sessions
WHERE (user_id, created_at) > ($1, $2)
ORDER BY user_id, created_at LIMIT $3
