SELECT user_id, sign_in_id, device_id, created_at, expires_at
FROM refresh_tokens
WHERE user_id = $1 AND expires_at > $2
ORDER BY created_at, sign_in_id
