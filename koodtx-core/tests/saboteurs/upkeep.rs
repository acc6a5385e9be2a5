//! Defects of maintenance, and of what is there when a store is opened again.

use koodtx_core::block::Record;
use koodtx_core::store::{
    Problem, PushOutcome, RepairPage, Rotation, TransferItem, Usage, VerifyPage,
};

use super::broken::{HONEST, Hooks};
use super::edit::edit_chunk;
use super::saboteur::{Saboteur, saboteur, sleeper};

pub const MAINTENANCE: &[Saboteur] = &[
    saboteur(
        "a verification ends after its first step",
        Hooks {
            verify: |inner, after, limit| {
                Ok(VerifyPage {
                    next: None,
                    ..inner.verify(after, limit)?
                })
            },
            ..HONEST
        },
        &["a_verification_sees_everything_and_finds_nothing"],
    ),
    saboteur(
        "a verification finds what is not wrong",
        Hooks {
            verify: |inner, after, limit| {
                let mut page = inner.verify(after, limit)?;
                if let Some((user, _)) = page.next {
                    let session = inner.all(user).sessions[0].id;
                    let message = "looks odd".to_owned();
                    let problem = Problem {
                        user,
                        session,
                        sensor_type: None,
                        message,
                    };
                    page.problems.push(problem);
                }
                Ok(page)
            },
            ..HONEST
        },
        &["a_verification_sees_everything_and_finds_nothing"],
    ),
    saboteur(
        "a repair ends after its first step",
        Hooks {
            repair: |inner, after, limit| {
                Ok(RepairPage {
                    next: None,
                    ..inner.repair(after, limit)?
                })
            },
            ..HONEST
        },
        &["a_repair_of_a_sound_store_sees_everything_and_changes_nothing"],
    ),
    saboteur(
        "a repair repairs what is right",
        Hooks {
            repair: |inner, after, limit| {
                let mut page = inner.repair(after, limit)?;
                page.repaired.push("looked odd".to_owned());
                Ok(page)
            },
            ..HONEST
        },
        &["a_repair_of_a_sound_store_sees_everything_and_changes_nothing"],
    ),
    saboteur(
        "tombstones are counted as sessions",
        Hooks {
            usage: |inner| {
                let usage = inner.usage()?;
                let sessions = inner.verify(None, usize::MAX)?.sessions;
                Ok(Usage { sessions, ..usage })
            },
            ..HONEST
        },
        &["usage_adds_up"],
    ),
    saboteur(
        "a usage report panics, which fails this check and stops no other",
        Hooks {
            usage: |_| panic!("nobody knows"),
            ..HONEST
        },
        &["usage_adds_up"],
    ),
];

pub const PERSISTENCE: &[Saboteur] = &[
    sleeper(
        "stamps are not kept on disk",
        Hooks {
            read: |inner, query| {
                let chunk = inner.read(query)?;
                Ok(edit_chunk(&chunk, |r| Record {
                    stamp: r.changed.plus_micros(1),
                    ..r
                }))
            },
            ..HONEST
        },
        &["everything_pushed_is_there_again"],
    ),
    sleeper(
        "the log is not kept on disk",
        Hooks {
            status: |inner, user, _| inner.status(user, 0),
            ..HONEST
        },
        &["everything_pushed_is_there_again"],
    ),
    sleeper(
        "the clock begins anew when the store is opened",
        Hooks {
            push: |inner, command, now| {
                Ok(PushOutcome {
                    clock: now,
                    ..inner.push(command, now)?
                })
            },
            ..HONEST
        },
        &["the_clock_goes_on_where_it_stood"],
    ),
    sleeper(
        "analyses are not kept on disk",
        Hooks {
            export: |_, _, item| match item {
                TransferItem::Analysis(_) => Vec::new(),
                item => vec![item],
            },
            ..HONEST
        },
        &["what_background_work_left_is_there_again"],
    ),
    sleeper(
        "sign-ins are not kept on disk",
        Hooks {
            rotate: |_, _| Ok(Rotation::Unknown),
            ..HONEST
        },
        &["accounts_and_sign_ins_are_there_again"],
    ),
];
