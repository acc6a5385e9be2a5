DELETE FROM session_analyses WHERE user_id = $1 AND session_id IN (
    SELECT a.session_id FROM session_analyses a WHERE a.user_id = $1 ORDER BY a.session_id LIMIT $2
)
