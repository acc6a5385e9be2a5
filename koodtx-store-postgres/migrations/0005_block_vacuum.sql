-- Every push leaves the tails it rewrote behind, some kilobytes each, so a fifth of the table (the
-- default) is too much to wait for. Vacuum visits only the pages that changed.
ALTER TABLE sensor_blocks SET (autovacuum_vacuum_scale_factor = 0.05);
