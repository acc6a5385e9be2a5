SELECT current_setting('fsync')::boolean AND current_setting('synchronous_commit') NOT IN ('off', 'false')
