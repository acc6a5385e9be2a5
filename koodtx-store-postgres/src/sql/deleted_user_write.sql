INSERT INTO deleted_users (user_id, name_hash, deleted_at, is_erased) VALUES ($1, $2, $3, false)
ON CONFLICT (user_id) DO UPDATE SET
    name_hash = excluded.name_hash,
    deleted_at = excluded.deleted_at,
    is_erased = false
