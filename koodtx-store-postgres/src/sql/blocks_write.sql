INSERT INTO sensor_blocks (
    user_id, session_id,
    sensor_type, first_time, last_time, record_count, changed_at, time_unit, time_offsets, times,
    change_clocks, change_counts, stamps, decimal_fields, decimal_places, decimals, single_fields,
    singles, double_fields, doubles, other_rows, other_fields, other_numbers, other_texts, checksum,
    digest
)
SELECT
    c.user_id, $2,
    b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
    b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
    b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles, b.other_rows,
    b.other_fields, b.other_numbers, b.other_texts, b.checksum, b.digest
FROM user_clock c, unnest($3::sensor_block_v2[]) b
WHERE c.user_id = $1
ON CONFLICT (user_id, session_id, sensor_type, first_time) DO UPDATE SET
    last_time = excluded.last_time,
    record_count = excluded.record_count,
    changed_at = excluded.changed_at,
    time_unit = excluded.time_unit,
    time_offsets = excluded.time_offsets,
    times = excluded.times,
    change_clocks = excluded.change_clocks,
    change_counts = excluded.change_counts,
    stamps = excluded.stamps,
    decimal_fields = excluded.decimal_fields,
    decimal_places = excluded.decimal_places,
    decimals = excluded.decimals,
    single_fields = excluded.single_fields,
    singles = excluded.singles,
    double_fields = excluded.double_fields,
    doubles = excluded.doubles,
    other_rows = excluded.other_rows,
    other_fields = excluded.other_fields,
    other_numbers = excluded.other_numbers,
    other_texts = excluded.other_texts,
    checksum = excluded.checksum,
    digest = excluded.digest
