INSERT INTO users (
    user_id, username, email, device_id, password_hash, is_active, created_at, updated_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (user_id) DO UPDATE SET
    username = excluded.username,
    email = excluded.email,
    device_id = excluded.device_id,
    password_hash = excluded.password_hash,
    is_active = excluded.is_active,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
