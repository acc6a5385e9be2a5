//! Defects of exports and imports.

use std::collections::BTreeSet;

use koodtx_core::block::{Block, Record};
use koodtx_core::id::UserId;
use koodtx_core::session::SessionState;
use koodtx_core::store::{
    Credentials, Family, PushOutcome, TransferItem, TransferStore, fold_name,
};
use koodtx_core::time::Timestamp;

use super::broken::{HONEST, Hooks};
use super::inner::{Inner, ready};
use super::saboteur::{Saboteur, saboteur, sleeper};

/// Checks that a defect of what is copied is caught by, with those that compare all of it and so cannot
/// but meet each of them.
macro_rules! content {
    ($($check:literal),+) => {
        &[
            $($check,)+
            "an_import_goes_on_wherever_it_broke_off",
            "a_resumed_import_follows_its_source",
            "an_import_goes_on_when_opened_again",
        ]
    };
}

/// The item with each record changed.
fn edit_records(item: TransferItem, edit: impl Fn(Record) -> Record) -> TransferItem {
    match item {
        TransferItem::Block(sensor, block) => {
            let records: Vec<_> = block.records().map(edit).collect();
            let block = Block::from_records(&records).expect("records that were stored");
            TransferItem::Block(sensor, block)
        }
        other => other,
    }
}

/// The item with its session changed.
fn edit_session(item: TransferItem, edit: impl Fn(&mut SessionState)) -> TransferItem {
    match item {
        TransferItem::Session(mut state) => {
            edit(&mut state);
            TransferItem::Session(state)
        }
        other => other,
    }
}

/// The items of a user of one kind.
fn items(inner: &Inner, user: UserId, is_wanted: fn(&TransferItem) -> bool) -> Vec<TransferItem> {
    let mut export = ready(inner.store.export_user(user)).expect("the memory store does not fail");
    let next = || ready(export.next()).expect("the memory store does not fail");
    std::iter::from_fn(next).filter(is_wanted).collect()
}

fn has_log_entry(inner: &Inner, user: UserId, item: &TransferItem) -> bool {
    items(inner, user, |item| matches!(item, TransferItem::Log(_))).contains(item)
}

fn is_registered(inner: &Inner, account: &Credentials) -> bool {
    let users = inner
        .users(None, usize::MAX)
        .expect("the memory store does not fail");
    let name = fold_name(&account.user.username);
    let mut others = users.users.iter().filter(|user| user.id != account.user.id);
    others.any(|other| fold_name(&other.username) == name)
}

pub const TRANSFERS: &[Saboteur] = &[
    saboteur(
        "analyses are not copied",
        Hooks {
            import: |_, _, item| match item {
                TransferItem::Analysis(_) => Vec::new(),
                item => vec![item],
            },
            ..HONEST
        },
        &["a_copy_keeps_analyses_and_purges"],
    ),
    saboteur(
        "sessions are as young as their import",
        Hooks {
            import: |_, _, item| {
                vec![edit_session(item, |state| {
                    state.created_at = state.updated_at;
                })]
            },
            ..HONEST
        },
        content![
            "a_copy_answers_every_pull_alike",
            "a_broken_off_import_leaves_no_half_session",
            "what_an_import_holds_is_there_whole"
        ],
    ),
    saboteur(
        "records are imported without the clock of their change",
        Hooks {
            import: |_, _, item| {
                vec![edit_records(item, |record| Record {
                    changed: Timestamp::ZERO,
                    ..record
                })]
            },
            ..HONEST
        },
        content!["a_copy_gives_the_same_changes"],
    ),
    saboteur(
        "stamps of records are not exported",
        Hooks {
            export: |_, _, item| {
                vec![edit_records(item, |record| Record {
                    stamp: record.changed,
                    ..record
                })]
            },
            ..HONEST
        },
        content![
            "a_copy_decides_by_the_same_stamps",
            "the_same_calls_give_the_same_export"
        ],
    ),
    saboteur(
        "stamps of fields are those of their session",
        Hooks {
            import: |_, _, item| {
                vec![edit_session(item, |state| {
                    let at = state.updated_at;
                    if let Some(notes) = &mut state.fields.notes {
                        notes.stamp = at;
                    }
                })]
            },
            ..HONEST
        },
        content![
            "a_copy_decides_by_the_same_stamps",
            "what_an_import_holds_is_there_whole"
        ],
    ),
    saboteur(
        "a revived session forgets its deletion",
        Hooks {
            export: |_, _, item| {
                vec![edit_session(item, |state| {
                    state.deleted_at = state.deleted_at.filter(|_| !state.live);
                })]
            },
            ..HONEST
        },
        content![
            "a_copy_keeps_tombstones",
            "the_same_calls_give_the_same_export"
        ],
    ),
    saboteur(
        "tombstones are not imported",
        Hooks {
            import: |_, _, item| {
                let is_dead = matches!(&item, TransferItem::Session(state) if !state.live);
                if is_dead { Vec::new() } else { vec![item] }
            },
            ..HONEST
        },
        content![
            "a_copy_keeps_tombstones",
            "a_copy_answers_every_pull_alike",
            "what_an_import_holds_is_there_whole"
        ],
    ),
    saboteur(
        "the clock of a push is the wall clock",
        Hooks {
            push: |inner, command, now| {
                Ok(PushOutcome {
                    clock: now,
                    ..inner.push(command, now)?
                })
            },
            ..HONEST
        },
        &[
            "the_clock_of_a_copy_goes_on",
            "the_clock_goes_on_where_it_stood",
        ],
    ),
    saboteur(
        "log entries are not exported",
        Hooks {
            export: |_, _, item| match item {
                TransferItem::Log(_) => Vec::new(),
                item => vec![item],
            },
            ..HONEST
        },
        content![
            "a_copy_keeps_log_and_totals",
            "the_clock_of_a_copy_goes_on",
            "the_same_calls_give_the_same_export"
        ],
    ),
    saboteur(
        "totals are not those of what was imported",
        Hooks {
            usage: |_| Ok(koodtx_core::store::Usage::default()),
            ..HONEST
        },
        &["a_copy_keeps_log_and_totals"],
    ),
    saboteur(
        "imported accounts are enabled",
        Hooks {
            import: |_, _, mut item| {
                if let TransferItem::Account(account) = &mut item {
                    account.user.is_active = true;
                }
                vec![item]
            },
            ..HONEST
        },
        &["a_copy_keeps_accounts"],
    ),
    saboteur(
        "password hashes are not exported",
        Hooks {
            export: |_, _, mut item| {
                if let TransferItem::Account(account) = &mut item {
                    account.password_hash.clear();
                }
                vec![item]
            },
            ..HONEST
        },
        &[
            "a_copy_keeps_accounts",
            "an_import_goes_on_wherever_it_broke_off",
            "a_resumed_import_follows_its_source",
            "the_same_calls_give_the_same_export",
        ],
    ),
    saboteur(
        "token hashes are not exported",
        Hooks {
            export: |_, _, item| match item {
                TransferItem::Family(family) => vec![TransferItem::Family(Family {
                    token: [0; 32],
                    ..family
                })],
                item => vec![item],
            },
            ..HONEST
        },
        &[
            "a_copy_keeps_sign_ins",
            "an_import_goes_on_wherever_it_broke_off",
            "a_resumed_import_follows_its_source",
            "the_same_calls_give_the_same_export",
        ],
    ),
    saboteur(
        "who has no sessions is not listed",
        Hooks {
            transfer_users: |inner, after, limit| {
                let mut users = inner.transfer_users(after, usize::MAX)?;
                users.retain(|&user| !inner.all(user).sessions.is_empty());
                users.truncate(limit);
                Ok(users)
            },
            ..HONEST
        },
        &[
            "a_copy_keeps_users_without_accounts",
            "a_copy_keeps_accounts",
            "a_copy_keeps_deletions_of_accounts",
            "a_copy_keeps_sign_ins",
            "users_are_listed_in_steps",
        ],
    ),
    saboteur(
        "the bound of a list of users is inclusive",
        Hooks {
            transfer_users: |inner, after, limit| {
                let after = after.map(|after| UserId(after.0 - 1));
                inner.transfer_users(after, limit)
            },
            ..HONEST
        },
        &["users_are_listed_in_steps"],
    ),
    saboteur(
        "a clock at zero is not exported",
        Hooks {
            export: |_, _, item| match item {
                TransferItem::Clock(Timestamp::ZERO) => Vec::new(),
                item => vec![item],
            },
            ..HONEST
        },
        &[
            "an_export_is_in_order_and_adds_up",
            "a_copy_keeps_accounts",
            "a_copy_keeps_deletions_of_accounts",
            "a_deleted_account_stays_deleted",
            "a_resumed_import_follows_a_deletion",
            "a_copy_keeps_sign_ins",
            "a_copy_keeps_users_without_accounts",
        ],
    ),
    saboteur(
        "a logged entry loses its error",
        Hooks {
            log: |inner, user, mut entry, now| {
                entry.error = None;
                inner.log(user, entry, now)
            },
            ..HONEST
        },
        &["the_same_calls_give_the_same_export"],
    ),
    saboteur(
        "blocks cannot be passed over",
        Hooks {
            skips_blocks: false,
            ..HONEST
        },
        &["an_export_passes_over_blocks"],
    ),
    saboteur(
        "an export reads what is there by then",
        Hooks {
            exports_late: true,
            ..HONEST
        },
        &["an_export_is_exact_at_one_clock"],
    ),
    saboteur(
        "an unfinished import is forgotten",
        Hooks {
            unfinished_import: |_| Ok(None),
            ..HONEST
        },
        &[
            "an_unfinished_import_is_known",
            "an_import_goes_on_when_opened_again",
        ],
    ),
    saboteur(
        "users are imported though no import has begun",
        Hooks {
            import_user: |inner, user| {
                if inner.unfinished_import()?.is_none() {
                    inner.begin_import("nowhere")?;
                    let import = inner.import_user(user)?;
                    inner.finish_import()?;
                    return Ok(import);
                }
                inner.import_user(user)
            },
            ..HONEST
        },
        &["an_unfinished_import_is_known"],
    ),
    saboteur(
        "an import goes on with whatever source",
        Hooks {
            begin_import: |inner, source| match inner.unfinished_import()? {
                Some(_) => Ok(()),
                None => inner.begin_import(source),
            },
            ..HONEST
        },
        &["a_store_with_content_takes_no_import"],
    ),
    saboteur(
        "data count as content, accounts do not",
        Hooks {
            begin_import: |inner, source| {
                let users = inner.transfer_users(None, usize::MAX)?;
                let has_data = |&user: &UserId| inner.clock(user) > Timestamp::ZERO;
                if inner.unfinished_import()?.is_none()
                    && !users.is_empty()
                    && !users.iter().any(has_data)
                {
                    return Ok(());
                }
                inner.begin_import(source)
            },
            ..HONEST
        },
        &["a_store_with_content_takes_no_import"],
    ),
    saboteur(
        "log entries that are there are written once more",
        Hooks {
            import: |inner, user, item| {
                let mut items = vec![item.clone()];
                if has_log_entry(inner, user, &item)
                    && let TransferItem::Log(mut entry) = item
                {
                    entry.id.0 += 1;
                    items.push(TransferItem::Log(entry));
                }
                items
            },
            ..HONEST
        },
        &[
            "an_import_goes_on_wherever_it_broke_off",
            "a_resumed_import_follows_its_source",
            "an_import_goes_on_when_opened_again",
        ],
    ),
    saboteur(
        "a session shows before its records do",
        Hooks {
            import: |_, _, item| match item {
                TransferItem::Session(state) => vec![
                    TransferItem::Session(state.clone()),
                    TransferItem::Session(state),
                ],
                item => vec![item],
            },
            ..HONEST
        },
        &["a_broken_off_import_leaves_no_half_session"],
    ),
    saboteur(
        "sign-ins of an earlier attempt stay",
        Hooks {
            import_user: |inner, user| {
                let families = items(inner, user, |item| matches!(item, TransferItem::Family(_)));
                let mut import = inner.import_user(user)?;
                for family in families {
                    ready(import.write(family))?;
                }
                Ok(import)
            },
            ..HONEST
        },
        &["a_resumed_import_follows_its_source"],
    ),
    saboteur(
        "a session counts as held in whatever state",
        Hooks {
            holds: |inner, user, session, _| inner.state(user, session.id).is_some(),
            ..HONEST
        },
        &[
            "a_resumed_import_follows_its_source",
            "what_an_import_holds_is_there_whole",
        ],
    ),
    saboteur(
        "no session is ever held",
        Hooks {
            holds: |_, _, _, _| false,
            ..HONEST
        },
        &["what_an_import_holds_is_there_whole"],
    ),
    saboteur(
        "an account whose name is taken gets another one",
        Hooks {
            import: |inner, user, mut item| {
                if let TransferItem::Account(account) = &mut item
                    && is_registered(inner, account)
                {
                    account.user.username.push_str(&user.to_string());
                }
                vec![item]
            },
            ..HONEST
        },
        &["an_imported_account_takes_no_name_of_another"],
    ),
    saboteur(
        "the next id is the number of accounts",
        Hooks {
            create_user: |inner, user, now| {
                let created = inner.create_user(user, now)?;
                let ids: BTreeSet<_> = inner
                    .users(None, usize::MAX)?
                    .users
                    .iter()
                    .map(|u| u.id)
                    .collect();
                Ok(created.map(|mut user| {
                    user.id = UserId(ids.len() as i64);
                    user
                }))
            },
            ..HONEST
        },
        &[
            "accounts_get_ids_above_all_imported_ones",
            "a_copy_keeps_deletions_of_accounts",
            "a_deleted_account_stays_deleted",
        ],
    ),
    sleeper(
        "that an import is unfinished is not kept on disk",
        Hooks {
            unfinished_import: |_| Ok(None),
            ..HONEST
        },
        &["an_import_goes_on_when_opened_again"],
    ),
    sleeper(
        "imported records are not kept on disk with their stamps",
        Hooks {
            export: |_, _, item| {
                vec![edit_records(item, |record| Record {
                    stamp: record.changed,
                    ..record
                })]
            },
            ..HONEST
        },
        &["an_import_goes_on_when_opened_again"],
    ),
];
