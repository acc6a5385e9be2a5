-- As 0006, for the table of 0013. On plain PostgreSQL this does nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    PERFORM create_distributed_table('deleted_users'::regclass, 'user_id', colocate_with => 'users');
END
$$;
