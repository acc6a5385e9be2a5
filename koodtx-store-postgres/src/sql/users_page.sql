SELECT user_id, username, email, device_id, is_active, created_at, updated_at
FROM users
WHERE user_id > $1
ORDER BY user_id
LIMIT $2
