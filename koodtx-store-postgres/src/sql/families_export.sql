SELECT user_id, sign_in_id, device_id, created_at, expires_at, token_hash
FROM refresh_tokens WHERE user_id = $1 AND ($2::uuid IS NULL OR sign_in_id > $2)
ORDER BY sign_in_id LIMIT $3
