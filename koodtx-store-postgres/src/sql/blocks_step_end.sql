-- Where a step of so many blocks of a user ends; nothing where fewer are left.
SELECT session_id, sensor_type, first_time FROM sensor_blocks WHERE user_id = $1
ORDER BY session_id, sensor_type, first_time OFFSET $2 LIMIT 1
