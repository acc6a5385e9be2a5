SELECT clock FROM pull_rounds
WHERE user_id = $1 AND sign_in_id = $2 AND since = $3 AND filter = $4 AND remembered_at > $5
