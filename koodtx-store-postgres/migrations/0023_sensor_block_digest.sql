-- By which a push of the same records is known without reading their arrays. It begins with the checksum of
-- the row that it was made for, since a server of the release before changes a row and leaves the digest.
ALTER TABLE sensor_blocks ADD COLUMN digest bytea;
