COMMENT ON COLUMN sync_logs.request_id IS 'The X-Request-Id of the answer; null of entries from before there was one.';
