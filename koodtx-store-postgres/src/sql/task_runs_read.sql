SELECT task, started_at, finished_at, succeeded, outcome::text FROM task_runs ORDER BY task
