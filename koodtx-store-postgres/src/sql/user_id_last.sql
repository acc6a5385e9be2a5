SELECT coalesce(max(user_id), 0) FROM users
