COMMENT ON COLUMN user_clock.data_bytes IS 'What the samples of all sessions count towards a quota, in bytes.';
