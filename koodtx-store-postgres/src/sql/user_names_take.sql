INSERT INTO user_names (kind, name_hash, user_id)
SELECT wanted.kind, wanted.name_hash, $1
FROM unnest($2::text[], $3::bytea[]) AS wanted (kind, name_hash)
ON CONFLICT DO NOTHING
RETURNING kind
