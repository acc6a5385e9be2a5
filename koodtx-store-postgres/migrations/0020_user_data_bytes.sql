-- The sum over the sessions, beside the other totals.
ALTER TABLE user_clock ADD COLUMN data_bytes bigint NOT NULL DEFAULT 0;
