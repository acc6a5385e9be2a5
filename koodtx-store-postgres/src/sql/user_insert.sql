INSERT INTO users
    (user_id, username, email, device_id, password_hash, is_active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, true, $6, $6)
