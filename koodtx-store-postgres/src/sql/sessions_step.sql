-- Where a step of so many sessions ends; nothing where fewer are left.
SELECT user_id, created_at FROM recording_sessions
WHERE (user_id, created_at) > ($1, $2)
ORDER BY user_id, created_at OFFSET $3 LIMIT 1
