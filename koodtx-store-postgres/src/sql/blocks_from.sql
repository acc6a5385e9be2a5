-- The blocks of some series from a time on, in order.
SELECT
    k.nth,
    b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
    b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
    b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles, b.other_rows,
    b.other_fields, b.other_numbers, b.other_texts, b.checksum
FROM unnest((SELECT $3::text[]), (SELECT $4::bigint[])) WITH ORDINALITY AS k (sensor_type, first_time, nth)
    CROSS JOIN LATERAL (
        SELECT * FROM sensor_blocks s
        WHERE s.user_id = $1 AND s.session_id = $2
            AND s.sensor_type = k.sensor_type AND s.first_time >= k.first_time
        ORDER BY s.first_time
    ) AS b
ORDER BY k.nth, b.first_time
