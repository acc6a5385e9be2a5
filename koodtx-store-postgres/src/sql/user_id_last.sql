SELECT greatest(
    (SELECT coalesce(max(user_id), 0) FROM users),
    (SELECT coalesce(max(user_id), 0) FROM deleted_users)
)
