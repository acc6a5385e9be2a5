SELECT sum(pg_total_relation_size(of.relation))::bigint
FROM unnest(ARRAY[
    'users', 'user_names', 'last_user_id', 'refresh_tokens', 'user_clock', 'recording_sessions',
    'sensor_blocks', 'sync_logs', 'pull_rounds', 'unfinished_import'
]::regclass[]) AS of (relation)
