SELECT user_id FROM user_names WHERE kind = 'username' AND name_hash = $1
