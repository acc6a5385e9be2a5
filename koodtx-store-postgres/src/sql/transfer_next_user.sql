-- The next user of whom anything is stored; null at the end. Of all users, since it looks for one.
SELECT least(
    (SELECT min(user_id) FROM users WHERE user_id > $1),
    (SELECT min(user_id) FROM deleted_users WHERE user_id > $1),
    (SELECT min(user_id) FROM refresh_tokens WHERE user_id > $1),
    (SELECT min(user_id) FROM user_clock WHERE user_id > $1),
    (SELECT min(user_id) FROM recording_sessions WHERE user_id > $1),
    (SELECT min(user_id) FROM sync_logs WHERE user_id > $1)
)
