SELECT 'sensor_block_v2'::regtype::oid, 'sensor_block_v2[]'::regtype::oid
