COMMENT ON COLUMN recording_sessions.data_bytes IS 'What the samples of the session count towards a quota, in bytes.';
