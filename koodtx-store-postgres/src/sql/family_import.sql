INSERT INTO refresh_tokens (user_id, sign_in_id, device_id, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, sign_in_id) DO UPDATE SET
    device_id = excluded.device_id,
    token_hash = excluded.token_hash,
    created_at = excluded.created_at,
    expires_at = excluded.expires_at
