SELECT
    u.user_id, u.username, u.email, u.device_id, u.is_active, u.created_at, u.updated_at,
    EXISTS (
        SELECT FROM refresh_tokens f
        WHERE f.user_id = $1 AND f.sign_in_id = $2 AND f.expires_at > $3
    ) AS is_signed_in
FROM users u
WHERE u.user_id = $1
