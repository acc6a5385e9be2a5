SELECT session_id, clock, result::text FROM session_analyses
WHERE user_id = $1 AND ($2::uuid IS NULL OR session_id > $2)
ORDER BY session_id LIMIT $3
