-- Where records of some series belong: for each series the block of the first record, the times at which
-- the blocks behind it begin as far as the last record, and where the one behind that begins. That the
-- block is looked for in order binds the planner to the primary key, also before it has statistics.
SELECT
    s.nth,
    b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
    b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
    b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles, b.other_rows,
    b.other_fields, b.other_numbers, b.other_texts, b.checksum,
    ARRAY(
        SELECT f.first_time FROM sensor_blocks f
        WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
            AND f.first_time > b.first_time AND f.first_time <= s.last_time
        ORDER BY f.first_time LIMIT $6
    ),
    (
        SELECT f.first_time FROM sensor_blocks f
        WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
            AND f.first_time > greatest(b.first_time, s.last_time)
        ORDER BY f.first_time LIMIT 1
    )
FROM unnest((SELECT $3::text[]), (SELECT $4::bigint[]), (SELECT $5::bigint[])) WITH ORDINALITY
        AS s (sensor_type, from_time, last_time, nth)
    CROSS JOIN LATERAL (
        SELECT * FROM sensor_blocks l
        WHERE l.user_id = $1 AND l.session_id = $2 AND l.sensor_type = s.sensor_type
            AND l.first_time >= coalesce(
                (
                    SELECT f.first_time FROM sensor_blocks f
                    WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
                        AND f.first_time <= s.from_time
                    ORDER BY f.first_time DESC LIMIT 1
                ),
                (
                    SELECT f.first_time FROM sensor_blocks f
                    WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
                    ORDER BY f.first_time LIMIT 1
                )
            )
        ORDER BY l.first_time LIMIT 1
    ) AS b
