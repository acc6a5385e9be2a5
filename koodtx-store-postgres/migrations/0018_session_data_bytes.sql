-- What samples count towards a quota. Sessions from before this count nothing until `koodtx-server verify
-- --repair` counts them: a release that still runs would write samples without counting them, so a count
-- made here would not last.
ALTER TABLE recording_sessions ADD COLUMN data_bytes bigint NOT NULL DEFAULT 0;
