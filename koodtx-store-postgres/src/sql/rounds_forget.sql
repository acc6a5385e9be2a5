DELETE FROM pull_rounds WHERE remembered_at <= $1
