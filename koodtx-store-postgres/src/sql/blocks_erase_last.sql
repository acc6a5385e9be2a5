DELETE FROM sensor_blocks WHERE user_id = $1
