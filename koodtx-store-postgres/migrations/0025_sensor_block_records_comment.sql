COMMENT ON TABLE sensor_blocks IS 'Samples in column blocks: up to 480 consecutive records of one series a row, 512 in earlier releases. Read them through the view sensor_data.';
