-- Entries of the log are found by the name of their request.
ALTER TABLE sync_logs ADD COLUMN request_id text;
