DELETE FROM sensor_blocks WHERE user_id = $1 AND session_id = $2
