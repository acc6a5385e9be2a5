INSERT INTO refresh_tokens (user_id, sign_in_id, device_id, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
