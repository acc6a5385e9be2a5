SELECT name_hash, deleted_at, is_erased FROM deleted_users WHERE user_id = $1
