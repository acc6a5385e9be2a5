-- As 0006, for the tables of 0009. On plain PostgreSQL this does nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    PERFORM create_reference_table('task_runs'::regclass);
    PERFORM create_distributed_table('session_analyses'::regclass, 'user_id', colocate_with => 'users');
END
$$;
