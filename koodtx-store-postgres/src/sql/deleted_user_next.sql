-- Of all users, since it looks for one.
SELECT user_id FROM deleted_users WHERE NOT is_erased ORDER BY user_id LIMIT 1
