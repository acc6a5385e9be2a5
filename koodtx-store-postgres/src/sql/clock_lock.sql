SELECT clock, live_sessions, active_sessions, records, data_bytes FROM user_clock WHERE user_id = $1 FOR UPDATE
