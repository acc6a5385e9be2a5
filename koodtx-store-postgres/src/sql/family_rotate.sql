UPDATE refresh_tokens
SET token_hash = $3, expires_at = $4
WHERE user_id = $1 AND sign_in_id = $2
RETURNING user_id, sign_in_id, device_id, created_at, expires_at
