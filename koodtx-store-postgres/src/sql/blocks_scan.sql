-- The blocks of a session behind one, in order.
SELECT
    sensor_type, first_time, last_time, record_count, changed_at, time_unit, time_offsets, times,
    change_clocks, change_counts, stamps, decimal_fields, decimal_places, decimals, single_fields,
    singles, double_fields, doubles, other_rows, other_fields, other_numbers, other_texts, checksum,
    digest
FROM sensor_blocks
WHERE user_id = $1 AND session_id = $2 AND (sensor_type, first_time) > ($3, $4)
ORDER BY sensor_type, first_time LIMIT $5
