UPDATE users
SET is_active = $2,
    updated_at = CASE WHEN is_active = $2 THEN updated_at ELSE $3 END
WHERE user_id = $1
RETURNING user_id, username, email, device_id, is_active, created_at, updated_at
