-- The same as blocks_behind, for few changed blocks among many: they are found by their change.
WITH changed AS MATERIALIZED (
    SELECT c.sensor_type, c.first_time, c.last_time FROM sensor_blocks c
    WHERE c.user_id = $1 AND c.session_id = $2 AND c.changed_at > $6
)
SELECT
    s.nth,
    b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
    b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
    b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles, b.other_rows,
    b.other_fields, b.other_numbers, b.other_texts, b.checksum
FROM unnest((SELECT $3::text[]), (SELECT $4::bigint[])) WITH ORDINALITY AS s (sensor_type, from_time, nth)
    CROSS JOIN LATERAL (
        SELECT c.first_time FROM changed c
        WHERE c.sensor_type = s.sensor_type AND c.last_time >= s.from_time
        ORDER BY c.first_time LIMIT $5
    ) AS k
    CROSS JOIN LATERAL (
        SELECT * FROM sensor_blocks w
        WHERE w.user_id = $1 AND w.session_id = $2
            AND w.sensor_type = s.sensor_type
            AND w.first_time >= k.first_time AND w.first_time <= k.first_time
        ORDER BY w.first_time LIMIT 1
    ) AS b
ORDER BY s.nth, b.first_time
