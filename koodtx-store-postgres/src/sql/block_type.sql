SELECT 'sensor_block_v1'::regtype::oid, 'sensor_block_v1[]'::regtype::oid
