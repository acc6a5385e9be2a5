DELETE FROM sync_logs WHERE user_id = $1 AND log_id IN (
    SELECT l.log_id FROM sync_logs l WHERE l.user_id = $1 AND l.log_id < $2 ORDER BY l.log_id LIMIT $3
)
