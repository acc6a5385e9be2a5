UPDATE deleted_users SET is_erased = $2 WHERE user_id = $1
