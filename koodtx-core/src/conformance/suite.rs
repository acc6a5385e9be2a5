//! The one table of all checks, and the macros that make tests of it.

use super::run::Check;

/// The table: every check of a part, by the module it stands in, handed to the macro `$with`.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_table {
    (sync $with:ident $context:tt) => {
        $crate::$with! {
            $context Sync
            counts {
                a_fresh_push_inserts_every_record
                a_push_without_records_creates_the_session
                a_retry_counts_duplicates
                a_retry_moves_no_clock
                a_conflicting_push_updates
                counts_always_add_up
                of_equal_keys_in_one_push_the_later_wins
                data_count_is_the_number_of_distinct_keys
            }
            merge {
                the_later_stamp_wins_in_both_orders
                a_value_without_a_stamp_is_written_on_arrival
                equal_stamps_are_decided_by_value_in_both_orders
                an_equal_value_with_a_newer_stamp_raises_the_stamp
                a_stamp_from_the_far_future_is_clamped
                a_stamp_from_the_near_future_is_kept
                equal_values_in_other_words_are_equal
                every_order_of_arrival_ends_in_the_same_state
            }
            metadata {
                all_metadata_comes_back
                fields_merge_one_by_one
                an_absent_field_is_kept
                null_clears_end_time_and_notes
                a_new_session_is_active_until_it_ends
                an_end_ends_the_session
                an_explicit_activity_counts
                the_later_metadata_wins_in_both_orders
                equal_metadata_stamps_are_decided_by_value
                equal_metadata_with_a_newer_stamp_raises_the_stamp
            }
            clock {
                the_clock_follows_the_wall_clock
                the_clock_grows_while_time_stands_still
                the_clock_grows_while_time_runs_backwards
                a_change_moves_updated_at_to_the_clock
                a_change_moves_only_its_session
                without_a_change_the_clock_is_zero
            }
            delete {
                a_deleted_session_shows_as_a_tombstone
                a_deleted_session_has_no_records
                deleting_what_is_not_there_is_not_found
                a_revived_session_has_only_new_records
                a_revived_session_keeps_its_place
                a_push_older_than_the_deletion_changes_nothing
                a_push_older_than_the_deletion_stays_out_of_a_revival
            }
            pages {
                the_bound_is_exclusive
                a_since_ahead_of_the_clock_returns_the_true_clock
                sessions_come_in_the_order_of_creation
                a_change_between_pages_shifts_nothing
                offset_and_keyset_give_the_same_pages
                total_counts_live_sessions_on_all_pages
                has_more_is_exact
                the_filter_by_session_keeps_the_others_out
            }
            devices {
                a_device_that_follows_the_protocol_has_everything
                a_device_beside_writers_misses_nothing
            }
            rounds {
                a_later_page_finds_the_clock_of_the_first
                the_earliest_of_several_first_pages_counts
                a_page_without_a_successor_is_not_remembered
                without_a_first_page_no_round_is_found
                other_rounds_do_not_interfere
            }
            records {
                chunks_give_each_record_once_in_order
                reading_goes_on_behind_any_place
                a_chunk_is_ordered_by_sensor
                a_chunk_is_bounded
                changed_after_returns_only_what_changed
                a_raised_stamp_is_no_change
                an_unknown_session_has_no_records
            }
            values {
                numbers_survive
                negative_zero_survives
                big_integers_survive
                every_kind_of_value_survives
                strings_and_keys_survive
                empty_objects_and_keys_survive
                deep_nesting_survives
                changing_fields_survive
                times_survive_to_the_microsecond
                sensor_types_survive
            }
            blocks {
                a_large_batch_is_stored_whole
                many_small_batches_make_one_series
                a_late_batch_finds_its_place
                a_sparse_batch_touches_many_blocks
                a_large_retry_changes_nothing
                a_large_push_of_other_values_is_no_repeat
                changes_of_a_long_series_are_found
            }
            limits {
                a_session_may_reach_the_sensor_limit
                a_push_over_the_sensor_limit_is_refused_whole
            }
            quotas {
                data_bytes_are_those_of_the_records
                data_bytes_of_a_user_are_those_of_the_sessions
                a_push_may_reach_the_quota_of_bytes
                a_push_over_the_quota_of_bytes_is_refused_whole
                a_push_may_reach_the_quota_of_sessions
                a_session_over_the_quota_is_refused_whole
                a_revival_over_the_quota_is_refused
                what_raises_nothing_is_taken_whatever_is_held
                a_deletion_makes_room
                a_quota_is_the_users_own
                pushes_at_once_stay_within_the_quota_of_bytes
                sessions_at_once_stay_within_the_quota
            }
            sync_log {
                a_push_is_logged
                a_push_with_errors_is_logged_as_partial
                a_push_without_effect_is_logged
                a_logged_entry_comes_back
                log_entries_come_newest_first
                a_status_shows_as_many_entries_as_asked
                the_log_is_read_in_steps
            }
            lists {
                sessions_are_listed_newest_first
                a_list_ends_where_it_says
                a_list_shows_live_sessions_as_they_are
                a_detail_gives_count_and_range_of_each_series
                an_unknown_session_has_no_detail
                totals_follow_every_change
            }
            isolation {
                a_user_sees_nothing_of_another
                session_ids_belong_to_their_user
                users_have_clocks_of_their_own
                a_deletion_touches_one_user_only
                rounds_belong_to_their_user
            }
            races {
                identical_pushes_at_once_insert_each_record_once
                conflicting_pushes_at_once_converge
                changes_at_once_have_clocks_of_their_own
                of_deletions_at_once_one_succeeds
                a_push_is_seen_whole
                a_dropped_push_is_whole_or_nothing
            }
        }
    };
    (accounts $with:ident $context:tt) => {
        $crate::$with! {
            $context Accounts
            accounts {
                an_account_comes_back
                an_unknown_account_is_not_found
                usernames_are_unique_in_any_case
                emails_are_unique_in_any_case
                a_device_is_registered_once
                the_first_of_what_is_taken_is_named
                a_refused_registration_takes_no_name
                a_username_is_found_in_any_case
                accounts_are_listed_by_id
                an_account_can_be_disabled_and_enabled
                a_password_can_be_replaced
            }
            sign_ins {
                sign_ins_are_listed_oldest_first
                the_current_token_rotates
                a_reused_token_revokes_its_family
                an_unknown_family_is_unknown
                an_expired_sign_in_is_over
                signing_out_ends_the_devices_sign_ins
                disabling_ends_all_sign_ins
                a_new_password_ends_all_sign_ins
                sign_ins_belong_to_their_user
                a_token_ends_with_its_sign_in
            }
            account_deletions {
                a_deleted_account_is_gone
                the_name_of_a_deleted_account_stays_taken
                the_id_of_a_deleted_account_is_not_reused
                nobody_signs_in_to_a_deleted_account
            }
            account_races {
                of_registrations_at_once_one_succeeds
                of_rotations_at_once_one_succeeds
            }
        }
    };
    (maintenance $with:ident $context:tt) => {
        $crate::$with! {
            $context Maintenance
            maintenance {
                a_repair_of_a_sound_store_sees_everything_and_changes_nothing
                a_verification_sees_everything_and_finds_nothing
                usage_adds_up
            }
        }
    };
    (background $with:ident $context:tt) => {
        $crate::$with! {
            $context Background
            finding {
                sessions_are_found_by_their_state
                the_edges_of_a_filter_are_exclusive
            }
            purges {
                purged_samples_are_gone_and_devices_keep_theirs
                only_an_unchanged_live_session_is_purged
                a_purged_session_takes_new_samples
                a_purge_touches_one_session
                a_deletion_ends_a_purge
                a_purge_makes_room
            }
            closings {
                a_closed_session_ends_with_its_last_sample
                only_an_unchanged_active_session_is_closed
                what_a_device_said_before_wins_over_a_closing
            }
            log_purges {
                old_log_entries_go_oldest_first
                log_entries_of_others_stay
            }
            results {
                an_analysis_comes_back
                an_earlier_analysis_replaces_no_later_one
                an_analysis_goes_with_its_session
                an_analysis_outlives_the_samples
                an_analysis_belongs_to_its_user
                an_analysis_is_bounded
                the_last_run_of_each_task_is_kept
            }
            erasures {
                nothing_is_left_of_a_deleted_user
                a_deleted_user_takes_no_data
                of_writes_and_a_deletion_at_once_nothing_is_left
            }
            tidying {
                optimising_changes_nothing
            }
        }
    };
    (transfer $with:ident $context:tt) => {
        $crate::$with! {
            $context Transfer
            transfer_copies {
                a_copy_answers_every_pull_alike
                a_copy_gives_the_same_changes
                a_copy_decides_by_the_same_stamps
                a_copy_keeps_tombstones
                the_clock_of_a_copy_goes_on
                a_copy_keeps_log_and_totals
                a_copy_keeps_accounts
                a_copy_keeps_sign_ins
                a_copy_keeps_users_without_accounts
                a_copy_keeps_analyses_and_purges
                a_copy_keeps_deletions_of_accounts
            }
            transfer_exports {
                users_are_listed_in_steps
                an_export_is_in_order_and_adds_up
                the_same_calls_give_the_same_export
                an_export_passes_over_blocks
                an_export_is_exact_at_one_clock
            }
            transfer_imports {
                an_unfinished_import_is_known
                a_store_with_content_takes_no_import
                an_import_goes_on_wherever_it_broke_off
                a_broken_off_import_leaves_no_half_session
                a_resumed_import_follows_its_source
                a_resumed_import_follows_a_deletion
                what_an_import_holds_is_there_whole
                an_imported_account_takes_no_name_of_another
                accounts_get_ids_above_all_imported_ones
                an_import_counts_bytes_anew
            }
        }
    };
    (persistence $with:ident $context:tt) => {
        $crate::$with! {
            $context Persistence
            persistence {
                everything_pushed_is_there_again
                the_clock_goes_on_where_it_stood
                accounts_and_sign_ins_are_there_again
                a_deleted_account_stays_deleted
                what_background_work_left_is_there_again
                an_import_goes_on_when_opened_again
            }
        }
    };
}

/// Makes the entries of [`checks`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_checks {
    (() Persistence $($module:ident { $($name:ident)* })*) => {
        [$($(Check {
            name: stringify!($name),
            part: $crate::conformance::Part::Persistence,
            run: |harness| Box::pin(super::checks::$module::$name(harness)),
        }),*),*]
    };
    (() $part:ident $($module:ident { $($name:ident)* })*) => {
        [$($(Check {
            name: stringify!($name),
            part: $crate::conformance::Part::$part,
            run: |harness| Box::pin(async move {
                super::checks::$module::$name(&harness).await
            }),
        }),*),*]
    };
}

/// Makes one test of each check.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (($fresh:path) $part:ident $($module:ident { $($name:ident)* })*) => {
        $($(
            #[test]
            fn $name() {
                $crate::conformance::run_test(stringify!($name), $fresh);
            }
        )*)*
    };
}

/// Makes one test of each check of the suite, for a store of your own.
///
/// Takes the path of an `async fn() -> Harness` that gives a fresh, empty store, and the parts to
/// run: `sync` ([`SyncStore`](crate::store::SyncStore)), `accounts`
/// ([`AccountStore`](crate::store::AccountStore)), `maintenance`
/// ([`MaintenanceStore`](crate::store::MaintenanceStore)), `background` (what
/// tasks ask of it, and [`ResultStore`](crate::store::ResultStore)), `transfer`
/// ([`TransferStore`](crate::store::TransferStore)), and `persistence` for a store that can be
/// opened again ([`Harness::with_reopen`](crate::conformance::Harness::with_reopen)).
///
/// ```
/// use std::sync::Arc;
/// use koodtx_core::conformance::Harness;
/// use koodtx_core::memory::MemoryStore;
///
/// async fn fresh() -> Harness {
///     Harness::new(Arc::new(MemoryStore::new()))
/// }
/// koodtx_core::conformance_suite!(fresh => sync, accounts, maintenance, background, transfer);
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:path => $($part:ident),+ $(,)?) => {
        $($crate::__conformance_table! { $part __conformance_tests ($fresh) })+
    };
}

/// All checks of all parts.
pub fn checks() -> Vec<Check> {
    let parts: [&[Check]; 6] = [
        &__conformance_table! { sync __conformance_checks () },
        &__conformance_table! { accounts __conformance_checks () },
        &__conformance_table! { maintenance __conformance_checks () },
        &__conformance_table! { background __conformance_checks () },
        &__conformance_table! { transfer __conformance_checks () },
        &__conformance_table! { persistence __conformance_checks () },
    ];
    parts.concat()
}
