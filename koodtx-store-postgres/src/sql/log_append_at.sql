-- As log_append, for who does not hold the lock of the user: of what was found at version $18 of the clock.
-- Returns nothing where the user has changed since, and where another entry took the id first.
INSERT INTO sync_logs (
    user_id, log_id, kind, status, session_id, device_id, records_count, inserted, updated,
    duplicates_count, errors_count, sensor_types, body_bytes, started_at, completed_at, error,
    request_id
)
SELECT
    $1, greatest($2, 1 + coalesce(latest.log_id, 0)), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    $14, $15, $16, $17
FROM
    (
        SELECT FROM user_clock c WHERE c.user_id = $1 AND c.xmin = $18::text::xid FOR KEY SHARE
    ) AS unchanged,
    (SELECT max(l.log_id) AS log_id FROM sync_logs l WHERE l.user_id = $1) AS latest
ON CONFLICT (user_id, log_id) DO NOTHING
RETURNING log_id
