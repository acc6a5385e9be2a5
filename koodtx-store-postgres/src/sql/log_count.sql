SELECT count(*) FROM sync_logs WHERE user_id = $1 AND log_id < $2
