DELETE FROM pull_rounds WHERE user_id = $1
