//! Every check of the conformance suite is checked: for each there is a store with one defect that
//! fails it, and for each defect the set of checks that catch it is known, so that a check which
//! grows blind, or fails for the wrong reason, is noticed.
//!
//! A defect is caught by the check that it is meant for (named first) and by no other, unless
//! another check cannot state its own law without meeting the defect.

#![expect(
    clippy::large_types_passed_by_value,
    reason = "a table of functions, handed over a few times in a run"
)]

mod account_deletions;
mod accounts;
mod background;
mod blocks;
mod broken;
mod clocks;
mod counts;
mod deletions;
mod edit;
mod inner;
mod lists;
mod merge;
mod metadata;
mod pages;
mod quotas;
mod races;
mod reads;
mod rounds;
mod saboteur;
mod sign_ins;
mod streams;
mod transfers;
mod upkeep;
mod users;
mod values;

use std::collections::BTreeSet;

use koodtx_core::conformance::{Part, checks};
use saboteur::{Saboteur, verdict};

/// Makes a test of each table of saboteurs, and the list of all tables. Each table names the parts
/// of the suite that can tell its saboteurs from the honest store: the methods of the others are
/// the honest ones.
macro_rules! tables {
    ($($name:ident: $table:expr, $parts:expr;)*) => {
        const TABLES: &[&[Saboteur]] = &[$($table),*];

        $(#[test]
        fn $name() {
            all_are_caught($table, $parts);
        })*
    };
}

const SYNC: &[Part] = &[Part::Sync, Part::Maintenance, Part::Persistence];
const ACCOUNTS: &[Part] = &[Part::Accounts, Part::Persistence];
const ALL: &[Part] = &[
    Part::Sync,
    Part::Accounts,
    Part::Maintenance,
    Part::Background,
    Part::Transfer,
    Part::Persistence,
];

tables! {
    defects_of_counting_are_caught: counts::COUNTS, SYNC;
    defects_of_merging_records_are_caught: merge::MERGE, SYNC;
    defects_of_merging_metadata_are_caught: metadata::METADATA, SYNC;
    defects_of_the_clock_are_caught: clocks::CLOCKS, SYNC;
    defects_of_deletion_are_caught: deletions::DELETIONS, SYNC;
    defects_of_pages_are_caught: pages::PAGES, SYNC;
    defects_of_rounds_are_caught: rounds::ROUNDS, SYNC;
    defects_of_reading_are_caught: reads::READS, SYNC;
    defects_of_values_are_caught: values::VALUES, SYNC;
    defects_of_blocks_are_caught: blocks::BLOCKS, SYNC;
    defects_of_limits_are_caught: blocks::LIMITS, SYNC;
    defects_of_quotas_are_caught: quotas::QUOTAS, SYNC;
    defects_of_purged_quotas_are_caught: quotas::PURGED, &[Part::Background];
    defects_of_imported_quotas_are_caught: quotas::IMPORTED, &[Part::Transfer];
    defects_of_the_log_are_caught: lists::LOGS, SYNC;
    defects_of_lists_are_caught: lists::LISTS, SYNC;
    defects_of_isolation_are_caught: users::USERS_APART, SYNC;
    defects_between_calls_at_once_are_caught: races::RACES, ALL;
    defects_of_accounts_are_caught: accounts::ACCOUNTS, ACCOUNTS;
    defects_of_sign_ins_are_caught: sign_ins::SIGN_INS, ACCOUNTS;
    defects_of_deleting_accounts_are_caught: account_deletions::ACCOUNT_DELETIONS, ACCOUNTS;
    defects_of_erasing_are_caught: account_deletions::ERASURES, &[Part::Background];
    defects_of_copied_deletions_are_caught:
        account_deletions::COPIED_DELETIONS, &[Part::Transfer, Part::Persistence];
    defects_of_maintenance_are_caught: upkeep::MAINTENANCE, &[Part::Maintenance];
    defects_of_background_work_are_caught: background::BACKGROUND, &[Part::Background];
    defects_of_transfers_are_caught: transfers::TRANSFERS, &[Part::Transfer, Part::Persistence];
    defects_after_opening_again_are_caught: upkeep::PERSISTENCE, &[Part::Persistence];
}

fn all_are_caught(saboteurs: &[Saboteur], parts: &[Part]) {
    const WORKER_THREADS: usize = 2;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .build()
        .expect("a runtime for the test");
    let wrong: Vec<_> = saboteurs
        .iter()
        .filter_map(|saboteur| runtime.block_on(verdict(saboteur, parts)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_has_a_saboteur_of_its_own() {
    let meant = TABLES
        .iter()
        .copied()
        .flatten()
        .map(|saboteur| saboteur.caught_by[0]);
    let meant: BTreeSet<_> = meant.collect();
    let checks: BTreeSet<_> = checks().iter().map(|check| check.name).collect();
    assert_eq!(meant, checks);
}

#[test]
fn an_honest_wrapper_passes() {
    const HONEST: Saboteur = saboteur::saboteur("none", broken::HONEST, &[]);
    all_are_caught(&[HONEST], ALL);
}
