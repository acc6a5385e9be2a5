COMMENT ON COLUMN sensor_blocks.digest IS 'Four bytes of checksum, which say of which contents of the row it is, and 16 bytes of XXH3 of its times and values; null where it is small.';
