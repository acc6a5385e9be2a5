DELETE FROM refresh_tokens WHERE user_id = $1 AND (sign_in_id = $2 OR device_id = $3)
