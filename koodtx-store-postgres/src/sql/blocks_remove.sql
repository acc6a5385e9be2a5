DELETE FROM sensor_blocks b USING unnest($3::text[], $4::bigint[]) AS k (sensor_type, first_time)
WHERE b.user_id = $1 AND b.session_id = $2
    AND b.sensor_type = k.sensor_type AND b.first_time = k.first_time
