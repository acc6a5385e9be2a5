COMMENT ON COLUMN recording_sessions.data_purged_at IS 'Wall clock at which samples were last purged because of their age; null where they never were.';
