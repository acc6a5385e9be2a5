-- How blocks travel to the server: a push writes all its blocks with one parameter, an array of these.
-- A change of columns gets a type of its own (…_v2), so that servers of both versions can write.
CREATE TYPE sensor_block_v1 AS (
    sensor_type    text,
    first_time     bigint,
    last_time      bigint,
    record_count   integer,
    changed_at     timestamptz,
    time_unit      integer,
    time_offsets   integer[],
    times          bigint[],
    change_clocks  bigint[],
    change_counts  integer[],
    stamps         bigint[],
    decimal_fields text[],
    decimal_places smallint[],
    decimals       integer[],
    single_fields  text[],
    singles        real[],
    double_fields  text[],
    doubles        double precision[],
    other_rows     integer[],
    other_fields   text[],
    other_numbers  double precision[],
    other_texts    text[],
    checksum       bigint
);
