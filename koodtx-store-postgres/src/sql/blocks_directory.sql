-- Where records of some series belong: for each series the block of the first record and those behind it as far
-- as the last record, without their contents, and where the one behind these begins. That blocks are looked for
-- in order binds the planner to the primary key, also before it has statistics; OFFSET 0 has what is found once
-- for a series found once.
SELECT s.nth, b.first_time, b.last_time, b.record_count, b.changed_at, b.checksum, b.digest, e.behind
FROM unnest((SELECT $3::text[]), (SELECT $4::bigint[]), (SELECT $5::bigint[])) WITH ORDINALITY
        AS s (sensor_type, from_time, last_time, nth)
    CROSS JOIN LATERAL (
        SELECT coalesce(
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
        ) AS first_time
        OFFSET 0
    ) AS a
    CROSS JOIN LATERAL (
        SELECT (
            SELECT f.first_time FROM sensor_blocks f
            WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
                AND f.first_time > greatest(a.first_time, s.last_time)
            ORDER BY f.first_time LIMIT 1
        ) AS behind
        OFFSET 0
    ) AS e
    CROSS JOIN LATERAL (
        SELECT * FROM sensor_blocks l
        WHERE l.user_id = $1 AND l.session_id = $2 AND l.sensor_type = s.sensor_type
            AND l.first_time >= a.first_time AND l.first_time <= greatest(a.first_time, s.last_time)
        ORDER BY l.first_time LIMIT $6
    ) AS b
ORDER BY s.nth, b.first_time
