-- Nothing for a deleted user. An account is locked against its deletion: who deletes it is waited for, and
-- then the locked row is gone that the snapshot still has.
INSERT INTO user_clock (user_id, clock)
SELECT $1, $2
WHERE NOT EXISTS (SELECT FROM deleted_users d WHERE d.user_id = $1)
    AND (
        EXISTS (SELECT FROM users u WHERE u.user_id = $1 FOR KEY SHARE)
        OR NOT EXISTS (SELECT FROM users u WHERE u.user_id = $1)
    )
ON CONFLICT (user_id) DO NOTHING
