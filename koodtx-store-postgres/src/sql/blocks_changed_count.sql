SELECT count(*) FROM (
    SELECT 1 FROM sensor_blocks WHERE user_id = $1 AND session_id = $2 AND changed_at > $3 LIMIT $4
) AS changed
