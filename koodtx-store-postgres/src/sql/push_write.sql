-- Writes a whole push, unless the user has changed since version $29; returns nothing then. A log entry whose
-- id is taken fails it.
WITH totals AS (
    UPDATE user_clock
    SET clock = $2, live_sessions = $3, active_sessions = $4, records = $5, data_bytes = $6
    WHERE user_id = $1 AND xmin = $29::text::xid
    RETURNING user_id
),
removed AS (
    DELETE FROM sensor_blocks b
    USING totals t, unnest((SELECT $31::text[]), (SELECT $32::bigint[])) AS k (sensor_type, first_time)
    WHERE b.user_id = $1 AND b.session_id = (SELECT $7::uuid)
        AND b.sensor_type = k.sensor_type AND b.first_time = k.first_time
        AND (SELECT cardinality($31::text[])) > 0
),
blocks AS (
    INSERT INTO sensor_blocks (
        user_id, session_id,
        sensor_type, first_time, last_time, record_count, changed_at, time_unit, time_offsets, times,
        change_clocks, change_counts, stamps, decimal_fields, decimal_places, decimals, single_fields,
        singles, double_fields, doubles, other_rows, other_fields, other_numbers, other_texts, checksum,
        digest
    )
    SELECT
        t.user_id, $7,
        b.sensor_type, b.first_time, b.last_time, b.record_count, b.changed_at, b.time_unit,
        b.time_offsets, b.times, b.change_clocks, b.change_counts, b.stamps, b.decimal_fields,
        b.decimal_places, b.decimals, b.single_fields, b.singles, b.double_fields, b.doubles,
        b.other_rows, b.other_fields, b.other_numbers, b.other_texts, b.checksum, b.digest
    FROM totals t, unnest((SELECT $30::sensor_block_v2[])) b
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
),
session AS (
    INSERT INTO recording_sessions (
        user_id,
        session_id, created_at, updated_at, deleted_at, live, start_time, start_time_stamp, end_time,
        end_time_stamp, is_active, is_active_stamp, enabled_sensors, enabled_sensors_stamp, sample_rate,
        sample_rate_stamp, notes, notes_stamp, data_count, data_bytes, series_count, data_purged_at,
        series
    )
    SELECT
        t.user_id, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28
    FROM totals t
    ON CONFLICT (user_id, session_id) DO UPDATE SET
        updated_at = excluded.updated_at,
        deleted_at = excluded.deleted_at,
        live = excluded.live,
        start_time = excluded.start_time,
        start_time_stamp = excluded.start_time_stamp,
        end_time = excluded.end_time,
        end_time_stamp = excluded.end_time_stamp,
        is_active = excluded.is_active,
        is_active_stamp = excluded.is_active_stamp,
        enabled_sensors = excluded.enabled_sensors,
        enabled_sensors_stamp = excluded.enabled_sensors_stamp,
        sample_rate = excluded.sample_rate,
        sample_rate_stamp = excluded.sample_rate_stamp,
        notes = excluded.notes,
        notes_stamp = excluded.notes_stamp,
        data_count = excluded.data_count,
        data_bytes = excluded.data_bytes,
        series_count = excluded.series_count,
        data_purged_at = excluded.data_purged_at,
        series = excluded.series
)
INSERT INTO sync_logs (
    user_id, log_id, kind, status, session_id, device_id, records_count, inserted, updated,
    duplicates_count, errors_count, sensor_types, body_bytes, started_at, completed_at, error,
    request_id
)
SELECT
    t.user_id, greatest($33, 1 + coalesce(latest.log_id, 0)), $34, $35, $36, $37, $38, $39, $40, $41,
    $42, $43, $44, $45, $46, $47, $48
FROM totals t, (SELECT max(l.log_id) AS log_id FROM sync_logs l WHERE l.user_id = $1) AS latest
RETURNING log_id
