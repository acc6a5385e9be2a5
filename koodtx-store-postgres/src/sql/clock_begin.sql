INSERT INTO user_clock (user_id, clock) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING
