UPDATE last_user_id SET user_id = user_id + 1 WHERE only_row RETURNING user_id
