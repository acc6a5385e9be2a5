DELETE FROM sensor_blocks WHERE user_id = $1 AND (session_id, sensor_type, first_time) < ($2, $3, $4)
