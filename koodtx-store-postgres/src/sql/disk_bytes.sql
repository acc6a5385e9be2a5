SELECT sum(pg_total_relation_size(of.relation))::bigint
FROM unnest(ARRAY[
    'users', 'user_names', 'last_user_id', 'refresh_tokens', 'user_clock', 'recording_sessions',
    'sensor_blocks', 'session_analyses', 'sync_logs', 'pull_rounds', 'unfinished_import', 'task_runs'
]::regclass[]) AS of (relation)
