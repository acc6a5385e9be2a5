DELETE FROM user_clock WHERE user_id = $1
