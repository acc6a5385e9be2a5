UPDATE users
SET password_hash = $2, updated_at = $3
WHERE user_id = $1
RETURNING user_id, username, email, device_id, is_active, created_at, updated_at
