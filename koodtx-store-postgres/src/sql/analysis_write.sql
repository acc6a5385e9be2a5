INSERT INTO session_analyses (user_id, session_id, clock, result) VALUES ($1, $2, $3, $4::json)
ON CONFLICT (user_id, session_id) DO UPDATE SET clock = excluded.clock, result = excluded.result
