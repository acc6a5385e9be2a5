-- The base schema. Times of the protocol's clocks are `timestamptz` (microseconds, exactly as the
-- protocol counts); times of samples are `bigint` microseconds since 1970, as dense arrays need.
--
-- `user_id` leads every primary key, and every statement of the store names it, so that the tables can be
-- distributed by it. There are no foreign keys between them: what a push writes it writes in one
-- transaction, and `koodtx-server verify` checks the rest.

CREATE TABLE users (
    user_id       bigint PRIMARY KEY,
    username      text NOT NULL,
    email         text NOT NULL,
    device_id     text,
    password_hash text NOT NULL,
    is_active     boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
COMMENT ON TABLE users IS 'Accounts.';
COMMENT ON COLUMN users.user_id IS 'The account: 1, 2, 3, … Owns everything in the other tables.';
COMMENT ON COLUMN users.username IS 'Name as registered; user_names decides whether it is unique.';
COMMENT ON COLUMN users.email IS 'Email address as registered; user_names decides whether it is unique.';
COMMENT ON COLUMN users.device_id IS 'The device that registered the account; null where an operator did.';
COMMENT ON COLUMN users.password_hash IS 'Argon2id hash in PHC string form.';
COMMENT ON COLUMN users.is_active IS 'False for a disabled account.';
COMMENT ON COLUMN users.created_at IS 'When it was registered.';
COMMENT ON COLUMN users.updated_at IS 'When it last changed.';

CREATE TABLE user_names (
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('username', 'email', 'device')),
    name_hash bytea NOT NULL,
    user_id   bigint NOT NULL,
    PRIMARY KEY (kind, name_hash)
);
COMMENT ON TABLE user_names IS 'What is unique among accounts. Small; a reference table where the others are distributed.';
COMMENT ON COLUMN user_names.kind IS 'username, email or device.';
COMMENT ON COLUMN user_names.name_hash IS 'SHA-256 of the name without regard to case (NFKC, lower case, NFKC); of a device as it is. Hashed, since such a form can be longer than a key may be.';
COMMENT ON COLUMN user_names.user_id IS 'Whose it is.';

CREATE TABLE last_user_id (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    user_id  bigint NOT NULL
);
COMMENT ON TABLE last_user_id IS 'The id given out last, in one row whose lock serialises registrations.';
COMMENT ON COLUMN last_user_id.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN last_user_id.user_id IS 'The id given out last.';
INSERT INTO last_user_id (user_id) VALUES (0);

CREATE TABLE refresh_tokens (
    user_id    bigint NOT NULL,
    sign_in_id uuid NOT NULL,
    device_id  text,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, sign_in_id)
);
COMMENT ON TABLE refresh_tokens IS 'Sign-ins, each with its current refresh token: the family of tokens that descends from one login.';
COMMENT ON COLUMN refresh_tokens.user_id IS 'Who signed in.';
COMMENT ON COLUMN refresh_tokens.sign_in_id IS 'The sign-in.';
COMMENT ON COLUMN refresh_tokens.device_id IS 'On which device, where it said so.';
COMMENT ON COLUMN refresh_tokens.token_hash IS 'SHA-256 of the current refresh token.';
COMMENT ON COLUMN refresh_tokens.created_at IS 'When the sign-in began.';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'When the current token expires.';

CREATE TABLE user_clock (
    user_id         bigint PRIMARY KEY,
    clock           timestamptz NOT NULL,
    live_sessions   bigint NOT NULL DEFAULT 0,
    active_sessions bigint NOT NULL DEFAULT 0,
    records         bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE user_clock IS 'One row a user: the user clock, whose row lock serialises the user''s changes, and totals.';
COMMENT ON COLUMN user_clock.user_id IS 'The user.';
COMMENT ON COLUMN user_clock.clock IS 'User clock of the last effective change; 1970 where there was none.';
COMMENT ON COLUMN user_clock.live_sessions IS 'Sessions that are not deleted.';
COMMENT ON COLUMN user_clock.active_sessions IS 'Of these, the ones still recording.';
COMMENT ON COLUMN user_clock.records IS 'Records stored, over all sessions.';

CREATE TABLE recording_sessions (
    user_id               bigint NOT NULL,
    session_id            uuid NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    deleted_at            timestamptz,
    live                  boolean NOT NULL,
    start_time            timestamptz,
    start_time_stamp      timestamptz,
    end_time              timestamptz,
    end_time_stamp        timestamptz,
    is_active             boolean NOT NULL,
    is_active_stamp       timestamptz,
    enabled_sensors       text[],
    enabled_sensors_stamp timestamptz,
    sample_rate           double precision,
    sample_rate_stamp     timestamptz,
    notes                 text,
    notes_stamp           timestamptz,
    data_count            bigint NOT NULL,
    series_count          bigint NOT NULL,
    series                jsonb NOT NULL,
    PRIMARY KEY (user_id, session_id),
    UNIQUE (user_id, created_at)
);
COMMENT ON TABLE recording_sessions IS 'Recording sessions, and tombstones of deleted ones. Each field of the metadata is a last-write-wins register: a value and its stamp, which is null where no push wrote the field.';
COMMENT ON COLUMN recording_sessions.user_id IS 'Whose it is.';
COMMENT ON COLUMN recording_sessions.session_id IS 'Its id, chosen by the client.';
COMMENT ON COLUMN recording_sessions.created_at IS 'User clock at which the server first saw it: its place in every list. Never changes.';
COMMENT ON COLUMN recording_sessions.updated_at IS 'User clock of its last effective change.';
COMMENT ON COLUMN recording_sessions.deleted_at IS 'User clock of its latest deletion, also after a later push revived it.';
COMMENT ON COLUMN recording_sessions.live IS 'False for a tombstone.';
COMMENT ON COLUMN recording_sessions.start_time IS 'When the recording began; null for a tombstone.';
COMMENT ON COLUMN recording_sessions.start_time_stamp IS 'When start_time was written.';
COMMENT ON COLUMN recording_sessions.end_time IS 'When the recording ended; null where it did not, or was cleared.';
COMMENT ON COLUMN recording_sessions.end_time_stamp IS 'When end_time was written.';
COMMENT ON COLUMN recording_sessions.is_active IS 'Whether the device is still recording: as written, else until there is an end.';
COMMENT ON COLUMN recording_sessions.is_active_stamp IS 'When is_active was written; null where it follows from end_time.';
COMMENT ON COLUMN recording_sessions.enabled_sensors IS 'Which sensors the client meant to record.';
COMMENT ON COLUMN recording_sessions.enabled_sensors_stamp IS 'When enabled_sensors was written.';
COMMENT ON COLUMN recording_sessions.sample_rate IS 'Nominal sample rate in Hz.';
COMMENT ON COLUMN recording_sessions.sample_rate_stamp IS 'When sample_rate was written.';
COMMENT ON COLUMN recording_sessions.notes IS 'Free text; null where there is none, or it was cleared.';
COMMENT ON COLUMN recording_sessions.notes_stamp IS 'When notes was written.';
COMMENT ON COLUMN recording_sessions.data_count IS 'Distinct (sensor_type, timestamp) stored.';
COMMENT ON COLUMN recording_sessions.series_count IS 'Distinct sensor types stored.';
COMMENT ON COLUMN recording_sessions.series IS 'By sensor type: count of records, and first and last time in microseconds since 1970.';
-- A delta pull reads what changed since a clock, and of that only the page.
CREATE INDEX recording_sessions_changes ON recording_sessions (user_id, updated_at) INCLUDE (created_at, live);

CREATE TABLE sensor_blocks (
    user_id        bigint NOT NULL,
    session_id     uuid NOT NULL,
    sensor_type    text COLLATE "C" NOT NULL,
    first_time     bigint NOT NULL,
    last_time      bigint NOT NULL,
    record_count   integer NOT NULL,
    changed_at     timestamptz NOT NULL,
    time_unit      integer NOT NULL,
    time_offsets   integer[],
    times          bigint[],
    change_clocks  bigint[] NOT NULL,
    change_counts  integer[] NOT NULL,
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
    checksum       bigint NOT NULL,
    PRIMARY KEY (user_id, session_id, sensor_type, first_time)
);
COMMENT ON TABLE sensor_blocks IS 'Samples in column blocks: up to 512 consecutive records of one series a row. Read them through the view sensor_data.';
COMMENT ON COLUMN sensor_blocks.user_id IS 'Whose it is.';
COMMENT ON COLUMN sensor_blocks.session_id IS 'The session.';
COMMENT ON COLUMN sensor_blocks.sensor_type IS 'The sensor.';
COMMENT ON COLUMN sensor_blocks.first_time IS 'Time of the first record, in microseconds since 1970. Blocks of a series do not overlap.';
COMMENT ON COLUMN sensor_blocks.last_time IS 'Time of the last record, in microseconds since 1970.';
COMMENT ON COLUMN sensor_blocks.record_count IS 'Records in the block.';
COMMENT ON COLUMN sensor_blocks.changed_at IS 'Latest user clock at which one of its records changed.';
COMMENT ON COLUMN sensor_blocks.time_unit IS 'Microseconds that a step of time_offsets stands for: 1000 or 1.';
COMMENT ON COLUMN sensor_blocks.time_offsets IS 'Time of each record as time_units since first_time; null where they do not fit, and times has them.';
COMMENT ON COLUMN sensor_blocks.times IS 'Time of each record in microseconds since 1970, where time_offsets is null.';
COMMENT ON COLUMN sensor_blocks.change_clocks IS 'User clocks of the records'' last effective changes, in microseconds since 1970: one for each run of records, in the order of time.';
COMMENT ON COLUMN sensor_blocks.change_counts IS 'Records of each run of change_clocks.';
COMMENT ON COLUMN sensor_blocks.stamps IS 'Stamp of each record in microseconds since 1970; null where every stamp equals the record''s change.';
COMMENT ON COLUMN sensor_blocks.decimal_fields IS 'Numeric fields that every record has, and whose values are decimals of at most 9 places.';
COMMENT ON COLUMN sensor_blocks.decimal_places IS 'Places of each of decimal_fields.';
COMMENT ON COLUMN sensor_blocks.decimals IS 'All values of the first of decimal_fields, then all of the next, and so on, each times 10 to its places.';
COMMENT ON COLUMN sensor_blocks.single_fields IS 'Numeric fields that every record has, and whose values are exact in single precision.';
COMMENT ON COLUMN sensor_blocks.singles IS 'All values of the first of single_fields, then all of the next, and so on.';
COMMENT ON COLUMN sensor_blocks.double_fields IS 'The other numeric fields that every record has.';
COMMENT ON COLUMN sensor_blocks.doubles IS 'All values of the first of double_fields, then all of the next, and so on.';
COMMENT ON COLUMN sensor_blocks.other_rows IS 'Everything else, one entry a value, by field and record: which record, from 0.';
COMMENT ON COLUMN sensor_blocks.other_fields IS 'The field of each of other_rows; null where the value is the record''s whole data object.';
COMMENT ON COLUMN sensor_blocks.other_numbers IS 'The value of each of other_rows, where it is a number.';
COMMENT ON COLUMN sensor_blocks.other_texts IS 'The value of each of other_rows as JSON, where it is no number.';
COMMENT ON COLUMN sensor_blocks.checksum IS 'CRC-32 of the columns before it, from sensor_type on, in the binary form of the protocol.';
-- Which blocks changed since a clock, for pulls with changes_only.
CREATE INDEX sensor_blocks_changes ON sensor_blocks (user_id, session_id, changed_at);

CREATE TABLE sync_logs (
    user_id          bigint NOT NULL,
    log_id           bigint NOT NULL,
    kind             text COLLATE "C" NOT NULL,
    status           text COLLATE "C" NOT NULL,
    session_id       uuid,
    device_id        text,
    records_count    bigint NOT NULL,
    inserted         bigint NOT NULL,
    updated          bigint NOT NULL,
    duplicates_count bigint NOT NULL,
    errors_count     bigint NOT NULL,
    sensor_types     text[] NOT NULL,
    body_bytes       bigint NOT NULL,
    started_at       timestamptz NOT NULL,
    completed_at     timestamptz NOT NULL,
    error            text,
    PRIMARY KEY (user_id, log_id)
);
COMMENT ON TABLE sync_logs IS 'One entry for every push and pull.';
COMMENT ON COLUMN sync_logs.user_id IS 'Whose it is.';
COMMENT ON COLUMN sync_logs.log_id IS 'Grows with time: microseconds since 1970, or one more than the last.';
COMMENT ON COLUMN sync_logs.kind IS 'push or pull.';
COMMENT ON COLUMN sync_logs.status IS 'success, partial or failed.';
COMMENT ON COLUMN sync_logs.session_id IS 'The session of a push.';
COMMENT ON COLUMN sync_logs.device_id IS 'The device.';
COMMENT ON COLUMN sync_logs.records_count IS 'Records pushed, or records sent.';
COMMENT ON COLUMN sync_logs.inserted IS 'Of a push: records whose key was absent.';
COMMENT ON COLUMN sync_logs.updated IS 'Of a push: records that won over a different value.';
COMMENT ON COLUMN sync_logs.duplicates_count IS 'Of a push: records that changed nothing.';
COMMENT ON COLUMN sync_logs.errors_count IS 'Of a push: records that were refused.';
COMMENT ON COLUMN sync_logs.sensor_types IS 'Sensor types of a push.';
COMMENT ON COLUMN sync_logs.body_bytes IS 'Size of the request body in bytes, after decompression.';
COMMENT ON COLUMN sync_logs.started_at IS 'When the server began to handle it.';
COMMENT ON COLUMN sync_logs.completed_at IS 'When the server was done.';
COMMENT ON COLUMN sync_logs.error IS 'What went wrong.';

CREATE TABLE pull_rounds (
    user_id       bigint NOT NULL,
    sign_in_id    uuid NOT NULL,
    since         timestamptz NOT NULL,
    filter        bigint NOT NULL,
    clock         timestamptz NOT NULL,
    remembered_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, sign_in_id, since, filter)
);
COMMENT ON TABLE pull_rounds IS 'Remembered first pages of pull rounds. Losing a row makes a device repeat work, and lose nothing.';
COMMENT ON COLUMN pull_rounds.user_id IS 'Who pulls.';
COMMENT ON COLUMN pull_rounds.sign_in_id IS 'The sign-in that pulls.';
COMMENT ON COLUMN pull_rounds.since IS 'The round''s last_sync_time; -infinity where it has none.';
COMMENT ON COLUMN pull_rounds.filter IS 'Hash of the round''s other filters.';
COMMENT ON COLUMN pull_rounds.clock IS 'The user clock that the first page was read at.';
COMMENT ON COLUMN pull_rounds.remembered_at IS 'When that was, by the wall clock.';

CREATE TABLE unfinished_import (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    source   text NOT NULL
);
COMMENT ON TABLE unfinished_import IS 'Holds a row while a copy or a restore into this database is not finished; servers refuse to start then.';
COMMENT ON COLUMN unfinished_import.only_row IS 'Always true: there is at most one row.';
COMMENT ON COLUMN unfinished_import.source IS 'Where the data come from.';
