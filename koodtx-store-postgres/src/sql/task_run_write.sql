INSERT INTO task_runs (task, started_at, finished_at, succeeded, outcome) VALUES ($1, $2, $3, $4, $5::json)
ON CONFLICT (task) DO UPDATE SET
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    succeeded = excluded.succeeded,
    outcome = excluded.outcome
WHERE task_runs.started_at <= excluded.started_at
