//! What Redis does in one step.
//!
//! The sets of states hold the ids of jobs by when their records expire, so that
//! counting needs no record and nothing has to be cleared away on time.

use std::sync::LazyLock;

use redis::Script;

/// The part that [`PUT`] and [`SUBMIT`] share.
macro_rules! put_body {
    () => {
        r"
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        redis.call('ZADD', KEYS[2], ARGV[6], ARGV[4])
        redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -(tonumber(ARGV[8]) + 1))
        for s = 1, 4 do
            local set = KEYS[2 + s]
            redis.call('ZREMRANGEBYSCORE', set, '-inf', ARGV[7])
            if s == tonumber(ARGV[5]) then
                redis.call('ZADD', set, ARGV[7] + ARGV[3], ARGV[4])
            else
                redis.call('ZREM', set, ARGV[4])
            end
        end
        "
    };
}

/// Writes the record of a job, if it still is what it was believed to be.
///
/// - `KEYS`: record, recent jobs, the four sets of states, claim
/// - `ARGV`: expected record, new record, its time to live in ms, id, number of
///   the state (from 1), time of creation, now in ms, limit of recent jobs,
///   whether to give back the claim (`1` or `0`)
pub(super) static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        r"
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
        ",
        put_body!(),
        r"
        if ARGV[9] == '1' and redis.call('GET', KEYS[7]) == ARGV[4] then
            redis.call('DEL', KEYS[7])
        end
        return 1
        "
    ))
});

/// Takes all claims of a job and writes its first record; or answers who holds a
/// claim already; or that the queue is full.
///
/// - `KEYS`: record, recent jobs, the four sets of states, scheduled tasks,
///   active tasks, claims
/// - `ARGV`: as for [`PUT`] up to 8; limit of waiting tasks; for each claim its
///   time to live in ms and whether it lasts until the job is done (`1` or `0`)
/// - Answers: what happened, and for `held` the id of the holder and the number
///   of the claim (from 1)
pub(super) static SUBMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        r"
        local claims = #KEYS - 8
        local held, which
        for c = 1, claims do
            held = redis.call('GET', KEYS[8 + c])
            if held then which = c; break end
        end
        if not held
            and redis.call('ZCARD', KEYS[7]) + redis.call('LLEN', KEYS[8]) >= tonumber(ARGV[9])
        then
            return {'full', '', 0}
        end
        for c = 1, claims do
            local ttl, until_done = ARGV[8 + 2 * c], ARGV[9 + 2 * c] == '1'
            if not (held and until_done) then
                redis.call('SET', KEYS[8 + c], held or ARGV[4], 'PX', ttl, 'NX')
            end
        end
        if held then return {'held', held, which} end
        ",
        put_body!(),
        r"
        return {'new', ARGV[4], 0}
        "
    ))
});

/// Deletes a claim, if this job holds it. `KEYS`: claim; `ARGV`: id.
pub(super) static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
        return 0
        ",
    )
});
