SELECT first_time FROM sensor_blocks
WHERE user_id = $1 AND session_id = $2 AND sensor_type = $3 AND first_time > $4
ORDER BY first_time LIMIT 1
