-- Remembers a first page, unless one that is still fresh (later than $7) is remembered; forgets those of
-- the sign-in that are not, and the oldest where there are too many. Nothing for a deleted user;
-- clock_begin says how that is made sure.
WITH forgotten AS (
    DELETE FROM pull_rounds r
    WHERE r.user_id = $1 AND r.sign_in_id = $2 AND NOT (r.since = $3 AND r.filter = $4)
        AND (
            r.remembered_at <= $7
            OR (r.since, r.filter) NOT IN (
                SELECT n.since, n.filter FROM pull_rounds n
                WHERE n.user_id = $1 AND n.sign_in_id = $2 AND NOT (n.since = $3 AND n.filter = $4)
                ORDER BY n.remembered_at DESC LIMIT $8
            )
        )
)
INSERT INTO pull_rounds AS r (user_id, sign_in_id, since, filter, clock, remembered_at)
SELECT $1, $2, $3, $4, $5, $6
WHERE NOT EXISTS (SELECT FROM deleted_users d WHERE d.user_id = $1)
    AND (
        EXISTS (SELECT FROM users u WHERE u.user_id = $1 FOR KEY SHARE)
        OR NOT EXISTS (SELECT FROM users u WHERE u.user_id = $1)
    )
ON CONFLICT (user_id, sign_in_id, since, filter) DO UPDATE
SET clock = excluded.clock, remembered_at = excluded.remembered_at
WHERE r.remembered_at <= $7
