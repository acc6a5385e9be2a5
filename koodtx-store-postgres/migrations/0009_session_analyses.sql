-- Results of background work. The text of an analysis comes back to the character, so it is json and not
-- jsonb.
CREATE TABLE session_analyses (
    user_id    bigint NOT NULL,
    session_id uuid NOT NULL,
    clock      timestamptz NOT NULL,
    result     json NOT NULL,
    PRIMARY KEY (user_id, session_id)
);
COMMENT ON TABLE session_analyses IS 'The latest analysis of each session that was analysed.';
COMMENT ON COLUMN session_analyses.user_id IS 'Whose it is.';
COMMENT ON COLUMN session_analyses.session_id IS 'The session.';
COMMENT ON COLUMN session_analyses.clock IS 'updated_at of the session when it was analysed; stale where it has changed since.';
COMMENT ON COLUMN session_analyses.result IS 'What was found.';

CREATE TABLE task_runs (
    task        text COLLATE "C" PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    succeeded   boolean NOT NULL,
    outcome     json NOT NULL
);
COMMENT ON TABLE task_runs IS 'The last run of each task of this installation.';
COMMENT ON COLUMN task_runs.task IS 'Name of the task.';
COMMENT ON COLUMN task_runs.started_at IS 'When it began.';
COMMENT ON COLUMN task_runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN task_runs.succeeded IS 'Whether it did what it was to do.';
COMMENT ON COLUMN task_runs.outcome IS 'What it did, or what went wrong.';
