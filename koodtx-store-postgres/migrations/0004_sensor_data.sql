-- One row a sample, for people and their tools. The store itself never reads it.
CREATE VIEW sensor_data AS
SELECT
    b.user_id,
    b.session_id,
    b.sensor_type,
    trim_scale(
        CASE
            WHEN b.time_offsets IS NULL THEN b.times[r.row + 1]
            ELSE b.first_time + b.time_offsets[r.row + 1]::bigint * b.time_unit
        END / 1000.0
    ) AS timestamp,
    coalesce(r.whole, coalesce(columns.data, '{}') || coalesce(r.sparse, '{}')) AS data
FROM sensor_blocks b
    -- The rows of the block, each with what stands alone of it: taken apart once a block, not once a row.
    CROSS JOIN LATERAL (
        SELECT n.row, o.sparse, o.whole
        FROM generate_series(0, b.record_count - 1) AS n (row)
            LEFT JOIN (
                SELECT
                    v.row,
                    jsonb_object_agg(v.field, coalesce(to_jsonb(v.number), v.text::jsonb))
                        FILTER (WHERE v.field IS NOT NULL) AS sparse,
                    (min(v.text) FILTER (WHERE v.field IS NULL))::jsonb AS whole
                FROM unnest(b.other_rows, b.other_fields, b.other_numbers, b.other_texts)
                    AS v (row, field, number, text)
                GROUP BY v.row
            ) AS o ON o.row = n.row
    ) AS r
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(c.field, c.value) AS data
        FROM (
            SELECT f.field, b.decimals[(f.nth - 1) * b.record_count + r.row + 1] / 10::float8 ^ f.places
            FROM unnest(b.decimal_fields, b.decimal_places) WITH ORDINALITY AS f (field, places, nth)
            UNION ALL
            SELECT f.field, b.singles[(f.nth - 1) * b.record_count + r.row + 1]::float8
            FROM unnest(b.single_fields) WITH ORDINALITY AS f (field, nth)
            UNION ALL
            SELECT f.field, b.doubles[(f.nth - 1) * b.record_count + r.row + 1]
            FROM unnest(b.double_fields) WITH ORDINALITY AS f (field, nth)
        ) AS c (field, value)
    ) AS columns;
COMMENT ON VIEW sensor_data IS 'One row a sample. Name the session, or at least the user, in every query.';
COMMENT ON COLUMN sensor_data.user_id IS 'Whose it is.';
COMMENT ON COLUMN sensor_data.session_id IS 'The session.';
COMMENT ON COLUMN sensor_data.sensor_type IS 'The sensor.';
COMMENT ON COLUMN sensor_data.timestamp IS 'When the sample was taken: milliseconds since 1970, with a fraction where it has one.';
COMMENT ON COLUMN sensor_data.data IS 'The sample.';
