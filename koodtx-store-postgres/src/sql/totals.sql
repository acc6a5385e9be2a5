SELECT coalesce(sum(live_sessions), 0)::bigint, coalesce(sum(records), 0)::bigint FROM user_clock
