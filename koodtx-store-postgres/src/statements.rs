//! Every statement of the store. Each is a file of `src/sql`, named for what it does.
//!
//! A statement names its user (`user_id = $1`), so that it stays on that user's node where the tables
//! are distributed; `tests/statements.rs` has the few exceptions, with reasons.
//!
//! Those that look up blocks take their arrays as `unnest((SELECT $3::text[]), …)`: so PostgreSQL does not
//! see how long an array is, finds a plan for these parameters no better than one for any, and keeps
//! the latter. With the bare parameters it planned them anew at every push.

/// Declares constants with the texts of files, and the list of all of them.
macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*

        /// Every statement with the name of its file.
        #[cfg(any(test, feature = "testing"))]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    // The schema.
    SERVER_VERSION = "server_version";
    SCHEMA_EXISTS = "schema_exists";
    SCHEMA_APPLIED = "schema_applied";
    // Accounts.
    USER_ID_NEXT = "user_id_next";
    USER_NAMES_TAKE = "user_names_take";
    USER_INSERT = "user_insert";
    USER_READ = "user_read";
    TOKEN_HOLDER = "token_holder";
    USER_BY_NAME = "user_by_name";
    USER_CREDENTIALS = "user_credentials";
    USERS_PAGE = "users_page";
    USER_SET_ACTIVE = "user_set_active";
    USER_SET_PASSWORD = "user_set_password";
    USER_DELETE = "user_delete";
    USER_NAMES_FREE = "user_names_free";
    // Users who were deleted.
    DELETED_USER_WRITE = "deleted_user_write";
    DELETED_USER_READ = "deleted_user_read";
    DELETED_USER_NEXT = "deleted_user_next";
    DELETED_USER_ERASED = "deleted_user_erased";
    CLOCK_REMOVE = "clock_remove";
    BLOCKS_STEP_END = "blocks_step_end";
    BLOCKS_ERASE = "blocks_erase";
    BLOCKS_ERASE_LAST = "blocks_erase_last";
    SESSIONS_ERASE = "sessions_erase";
    ANALYSES_ERASE = "analyses_erase";
    ROUNDS_ERASE = "rounds_erase";
    // Sign-ins.
    USER_LOCK = "user_lock";
    FAMILY_INSERT = "family_insert";
    FAMILY_LOCK = "family_lock";
    FAMILY_ROTATE = "family_rotate";
    FAMILY_REVOKE = "family_revoke";
    FAMILIES_FORGET_EXPIRED = "families_forget_expired";
    FAMILIES_REVOKE_ALL = "families_revoke_all";
    FAMILIES_REVOKE_DEVICE = "families_revoke_device";
    FAMILIES_LIST = "families_list";
    // The clock and the totals of a user.
    CLOCK_LOCK = "clock_lock";
    CLOCK_READ = "clock_read";
    CLOCK_BEGIN = "clock_begin";
    // Sessions.
    SESSION_FIND = "session_find";
    SESSION_AT = "session_at";
    SESSION_ID_AT = "session_id_at";
    SESSION_WRITE = "session_write";
    SESSIONS_LIST = "sessions_list";
    // Pushes without the lock.
    PUSH_FIND = "push_find";
    PUSH_WRITE = "push_write";
    LOG_APPEND_AT = "log_append_at";
    // Pulls.
    PULL_ALL = "pull_all";
    PULL_CHANGED = "pull_changed";
    PULL_NAMED = "pull_named";
    ROUND_FIND = "round_find";
    ROUND_REMEMBER = "round_remember";
    // Blocks.
    BLOCK_TYPE = "block_type";
    BLOCKS_DIRECTORY = "blocks_directory";
    BLOCKS_NAMED = "blocks_named";
    BLOCKS_FROM = "blocks_from";
    BLOCKS_AHEAD = "blocks_ahead";
    BLOCKS_BEHIND = "blocks_behind";
    BLOCKS_CHANGED = "blocks_changed";
    BLOCKS_CHANGED_COUNT = "blocks_changed_count";
    BLOCKS_SCAN = "blocks_scan";
    BLOCK_NEXT = "block_next";
    BLOCKS_WRITE = "blocks_write";
    BLOCKS_REMOVE = "blocks_remove";
    BLOCKS_CLEAR = "blocks_clear";
    // What background work leaves behind.
    ANALYSIS_READ = "analysis_read";
    ANALYSIS_CLOCK = "analysis_clock";
    ANALYSIS_WRITE = "analysis_write";
    ANALYSIS_REMOVE = "analysis_remove";
    TASK_RUN_WRITE = "task_run_write";
    TASK_RUNS_READ = "task_runs_read";
    // The sync log.
    LOG_APPEND = "log_append";
    LOG_APPEND_ALONE = "log_append_alone";
    LOG_RECENT = "log_recent";
    LOG_COUNT = "log_count";
    LOG_PURGE = "log_purge";
    // Moving everything out and in.
    TRANSFER_NEXT_USER = "transfer_next_user";
    FAMILIES_EXPORT = "families_export";
    SESSIONS_EXPORT = "sessions_export";
    ANALYSES_EXPORT = "analyses_export";
    LOG_EXPORT = "log_export";
    IMPORT_SOURCE = "import_source";
    IMPORT_BEGIN = "import_begin";
    IMPORT_END = "import_end";
    USER_ID_LAST = "user_id_last";
    USER_ID_RAISE = "user_id_raise";
    USER_IMPORT = "user_import";
    USER_NAMES_RELEASE = "user_names_release";
    FAMILY_IMPORT = "family_import";
    SESSION_REMOVE = "session_remove";
    TOTALS_RECOUNT = "totals_recount";
    LOG_IMPORT = "log_import";
    // What is stored.
    PING = "ping";
    IS_DURABLE = "is_durable";
    VERIFY_POSITIONS = "verify_positions";
    USERS_COUNT = "users_count";
    TOTALS = "totals";
    DISK_BYTES = "disk_bytes";
    SESSIONS_STEP = "sessions_step";
    SESSIONS_WANTED = "sessions_wanted";
    ROUNDS_FORGET = "rounds_forget";
    FAMILIES_FORGET = "families_forget";
    VACUUM = "vacuum";
}
