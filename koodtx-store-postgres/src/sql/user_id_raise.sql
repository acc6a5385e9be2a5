UPDATE last_user_id SET user_id = greatest(user_id, $1)
