VACUUM (ANALYZE)
    users, user_names, refresh_tokens, user_clock, recording_sessions, sensor_blocks, session_analyses,
    sync_logs, pull_rounds, task_runs
