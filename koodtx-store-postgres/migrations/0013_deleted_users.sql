-- What is left of accounts that were deleted: their ids and usernames are never given out again.
CREATE TABLE deleted_users (
    user_id    bigint PRIMARY KEY,
    name_hash  bytea NOT NULL,
    deleted_at timestamptz NOT NULL,
    is_erased  boolean NOT NULL
);
COMMENT ON TABLE deleted_users IS 'Accounts that were deleted. Kept for good; nothing is written for such a user any more.';
COMMENT ON COLUMN deleted_users.user_id IS 'The id that the account had.';
COMMENT ON COLUMN deleted_users.name_hash IS 'SHA-256 of the username that it had, without regard to case; it stays in user_names as well.';
COMMENT ON COLUMN deleted_users.deleted_at IS 'When it was deleted.';
COMMENT ON COLUMN deleted_users.is_erased IS 'False while sessions, samples, analyses or log entries may still have to be removed.';
-- Who is to be erased, however many have been.
CREATE INDEX deleted_users_to_erase ON deleted_users (user_id) WHERE NOT is_erased;
