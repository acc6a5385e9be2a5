SELECT session_id, clock, result::text FROM session_analyses
WHERE user_id = $1 AND session_id >= coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
    AND ($2 IS NULL OR session_id > $2)
ORDER BY session_id LIMIT $3
