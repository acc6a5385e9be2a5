SELECT token_hash
FROM refresh_tokens
WHERE user_id = $1 AND sign_in_id = $2 AND expires_at > $3
FOR UPDATE
