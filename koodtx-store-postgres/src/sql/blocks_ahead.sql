-- For each series so many blocks, in order, from the first that ends at or after a time; but none behind those that
-- have as many records as are wanted of it.
SELECT
    s.nth,
    b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
    b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
    b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles, b.other_rows,
    b.other_fields, b.other_numbers, b.other_texts, b.checksum
FROM unnest((SELECT $3::text[]), (SELECT $4::bigint[]), (SELECT $5::bigint[]), (SELECT $6::bigint[]))
        WITH ORDINALITY AS s (sensor_type, from_time, wanted_blocks, wanted_records, nth)
    CROSS JOIN LATERAL (
        SELECT
            *,
            sum(greatest(w.record_count, 0)) OVER (ORDER BY w.first_time ROWS UNBOUNDED PRECEDING)
                - greatest(w.record_count, 0) AS records_before
        FROM sensor_blocks w
        WHERE w.user_id = $1 AND w.session_id = $2 AND w.sensor_type = s.sensor_type
            AND w.first_time >= coalesce(
                (
                    SELECT f.first_time FROM sensor_blocks f
                    WHERE f.user_id = $1 AND f.session_id = $2 AND f.sensor_type = s.sensor_type
                        AND f.first_time <= s.from_time
                    ORDER BY f.first_time DESC LIMIT 1
                ),
                s.from_time
            )
            AND w.last_time >= s.from_time
        ORDER BY w.first_time LIMIT s.wanted_blocks
    ) AS b
WHERE b.records_before < s.wanted_records
ORDER BY s.nth, b.first_time
