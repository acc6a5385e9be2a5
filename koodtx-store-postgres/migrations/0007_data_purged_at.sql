-- Retention: samples go, sessions stay and say so.
ALTER TABLE recording_sessions ADD COLUMN data_purged_at timestamptz;
