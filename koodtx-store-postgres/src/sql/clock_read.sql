SELECT clock, live_sessions, active_sessions, records FROM user_clock WHERE user_id = $1
