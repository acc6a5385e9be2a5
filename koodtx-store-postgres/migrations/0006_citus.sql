-- Where the extension Citus is installed, the tables are distributed by user; the few that belong to no
-- user are on every node. On plain PostgreSQL this does nothing.
DO $$
DECLARE
    shared text;
    of_user text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    FOREACH shared IN ARRAY ARRAY['user_names', 'last_user_id', 'unfinished_import'] LOOP
        PERFORM create_reference_table(shared::regclass);
    END LOOP;
    PERFORM create_distributed_table('users'::regclass, 'user_id');
    FOREACH of_user IN ARRAY ARRAY[
        'refresh_tokens', 'user_clock', 'recording_sessions', 'sensor_blocks', 'sync_logs', 'pull_rounds'
    ] LOOP
        PERFORM create_distributed_table(of_user::regclass, 'user_id', colocate_with => 'users');
    END LOOP;
END
$$;
