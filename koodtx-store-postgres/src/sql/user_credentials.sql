SELECT user_id, username, email, device_id, is_active, created_at, updated_at, password_hash
FROM users
WHERE user_id = $1
