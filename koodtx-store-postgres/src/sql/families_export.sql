SELECT user_id, sign_in_id, device_id, created_at, expires_at, token_hash
FROM refresh_tokens WHERE user_id = $1 AND sign_in_id >= coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
    AND ($2 IS NULL OR sign_in_id > $2)
ORDER BY sign_in_id LIMIT $3
