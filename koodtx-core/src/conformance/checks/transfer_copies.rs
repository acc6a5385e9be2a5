//! Nobody can tell a copy from what was copied.

use super::account_deletions::{delete, ensure_refused};
use super::accounts::{new_user, register};
use super::erasures::ensure_only_a_deletion;
use super::finding::{ENDED, analyse};
use super::sign_ins::{FIRST, SECOND, rotate, sign_in, sign_in_id};
use super::transfer_script::{LATER, ODD, fill, items, memory, through};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::follower::metadata;
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, BEN, NOON, RIDE, RUN, WALK, before_noon, body, edited, everything, samples, session,
    session_with,
};
use crate::pull::PullQuery;
use crate::store::{Rotation, StoreErrorKind, Taken};
use crate::time::Timestamp;

const RECENT: usize = 100;
const LATE: Timestamp = LATER.plus_micros(3_600_000_000);

/// What a device sees of a page: clock, total, and each session or tombstone.
async fn page(h: &Harness, query: PullQuery) -> Outcome<Vec<String>> {
    let head = h.pull(query).await?;
    let mut seen = vec![format!("clock {} total {}", head.clock, head.total)];
    seen.extend(head.sessions.iter().map(|state| {
        if state.live {
            metadata(state)
        } else {
            format!("{} deleted {:?}", state.id, state.deleted_at)
        }
    }));
    Ok(seen)
}

/// A device that synced before the copy gets the same answer to its next pull, whatever clock it stands
/// at.
pub(crate) async fn a_copy_answers_every_pull_alike(h: &Harness) -> Outcome {
    let source = memory();
    let clocks = fill(&source).await?;
    let copies = through(&source, h).await?;
    let bounds = clocks.iter().copied().map(Some);
    let queries = [None].into_iter().chain(bounds).map(|since| PullQuery {
        since,
        ..everything(ANN)
    });
    for query in queries.chain([everything(BEN)]) {
        let expected = page(&source, query.clone()).await?;
        for (when, copy) in copies.each() {
            let answer = page(copy, query.clone()).await?;
            ensure_eq!(answer, expected, "the answer to {query:?} {when}");
        }
    }
    Ok(())
}

/// All records come back, and to every clock just those that changed after it.
pub(crate) async fn a_copy_gives_the_same_changes(h: &Harness) -> Outcome {
    let source = memory();
    let clocks = fill(&source).await?;
    let copies = through(&source, h).await?;
    let bounds = clocks.iter().copied().map(Some);
    for since in [None].into_iter().chain(bounds) {
        for (user, id) in [(ANN, RUN), (ANN, WALK), (ANN, RIDE), (ANN, ODD), (BEN, RUN)] {
            let seen = async |h: &Harness| -> Outcome<Vec<_>> {
                let records = h.records_changed(user, id, since).await?;
                let seen = records
                    .into_iter()
                    .map(|(sensor, record)| (sensor, record.timestamp, record.data));
                Ok(seen.collect())
            };
            let expected = seen(&source).await?;
            for (when, copy) in copies.each() {
                ensure!(
                    seen(copy).await? == expected,
                    "records of user {user}, session {id} changed after {since:?} differ {when}"
                );
            }
        }
    }
    for (when, copy) in copies.each() {
        let expected = source.detail(ANN, RUN).await?.series;
        ensure_eq!(
            copy.detail(ANN, RUN).await?.series,
            expected,
            "series {when}"
        );
    }
    Ok(())
}

/// Edits that come late win and lose against a copy as they would have against what was copied, value
/// by value.
pub(crate) async fn a_copy_decides_by_the_same_stamps(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let copies = through(&source, h).await?;
    // Just below and just above the stamps that were sent, raised, and given on arrival.
    let stamps = [60, 40, 21, 19].map(before_noon);
    for (number, stamp) in (0..).zip(stamps) {
        let notes = format!(r#""notes":"edit {number}","updated_at":"{stamp}""#);
        let data = format!(r#"{{"x":"edit {number}"}}"#);
        let records = [
            edited("acc", 1, &data, stamp),
            edited("acc", 2, &data, stamp),
            edited("gps", 3, &data, stamp),
            edited("gps", 700, &data, NOON.plus_micros(number)),
        ];
        let push = async |h: &Harness| -> Outcome<_> {
            let outcome = h
                .push_at(LATER, ANN, &session_with(RUN, &notes), &records)
                .await?;
            let counts = (outcome.inserted, outcome.updated, outcome.duplicates);
            let notes = h.detail(ANN, RUN).await?.state.fields.notes;
            Ok((counts, notes.map(|notes| notes.value)))
        };
        let expected = push(&source).await?;
        for (when, copy) in copies.each() {
            ensure_eq!(
                push(copy).await?,
                expected,
                "inserted, updated, duplicates and notes of an edit at {stamp} {when}"
            );
        }
    }
    Ok(())
}

/// A deleted session stays deleted: a push from before its deletion changes nothing, and deleting it
/// again finds nothing.
pub(crate) async fn a_copy_keeps_tombstones(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let copies = through(&source, h).await?;
    for (when, copy) in copies.each() {
        for id in [WALK, RIDE] {
            let old = session_with(id, &format!(r#""updated_at":"{NOON}""#));
            let outcome = copy
                .push_at(LATER, ANN, &old, &samples("gps", 100..103))
                .await?;
            ensure_eq!(
                (outcome.inserted, outcome.duplicates),
                (0, 3),
                "inserted, duplicates of a push older than the deletion {when}"
            );
        }
        let again = copy.sync().delete_session(ANN, WALK, LATER).await;
        ensure!(
            matches!(&again, Err(error) if error.kind() == StoreErrorKind::NotFound),
            "deleting a deleted session gave {again:?} {when}"
        );
    }
    Ok(())
}

/// The user clock goes on where it stood, also where the wall clock is behind it by then; and so do the
/// ids of the log.
pub(crate) async fn the_clock_of_a_copy_goes_on(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let clock = source.pull(everything(ANN)).await?.clock;
    let last = source.sync().status(ANN, 1).await?.recent_syncs;
    let copies = through(&source, h).await?;
    for (when, copy) in copies.each() {
        let outcome = copy.push_at(NOON, ANN, &session(WALK), &[]).await?;
        ensure_eq!(outcome.clock, clock.plus_micros(1), "the clock {when}");
        ensure!(
            last.first().is_some_and(|last| outcome.log_id > last.id),
            "log id {:?} after {last:?} {when}",
            outcome.log_id
        );
    }
    Ok(())
}

/// Log entries come along with their ids, and the totals are those of the sessions.
pub(crate) async fn a_copy_keeps_log_and_totals(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let copies = through(&source, h).await?;
    for user in [ANN, BEN] {
        let expected = source.sync().status(user, RECENT).await?;
        for (when, copy) in copies.each() {
            let status = copy.sync().status(user, RECENT).await?;
            ensure_eq!(status, expected, "totals and log of user {user} {when}");
        }
    }
    for (when, copy) in copies.each() {
        let (usage, expected) = (
            copy.maintenance()?.usage().await?,
            source.maintenance()?.usage().await?,
        );
        ensure_eq!(
            (usage.users, usage.sessions, usage.records),
            (expected.users, expected.sessions, expected.records),
            "accounts, sessions, records {when}"
        );
    }
    Ok(())
}

/// Accounts keep id, password and state, and their names stay taken.
pub(crate) async fn a_copy_keeps_accounts(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "Ann", Some("phone")).await?;
    let ben = register(&source, "ben", None).await?;
    let accounts = source.accounts()?;
    accounts.set_active(ben.id, false, source.now()).await?;
    accounts
        .set_password(ben.id, "another hash".to_owned(), source.now())
        .await?;
    let expected = accounts.users(None, RECENT).await?;
    let copies = through(&source, h).await?;
    for (when, copy) in copies.each() {
        let accounts = copy.accounts()?;
        let users = accounts.users(None, RECENT).await?;
        ensure_eq!(users, expected, "accounts {when}");
        for (name, hash) in [("ANN", "hash of Ann"), ("ben", "another hash")] {
            let found = accounts.credentials(name).await?;
            let found = found.map(|found| found.password_hash);
            ensure_eq!(
                found.as_deref(),
                Some(hash),
                "the password of {name} {when}"
            );
        }
        for (name, email, device, taken) in [
            ("ANN", "x@example.org", None, Taken::Username),
            ("x", "ANN@example.org", None, Taken::Email),
            ("x", "x@example.org", Some("phone"), Taken::Device),
        ] {
            let created = accounts
                .create_user(new_user(name, email, device), LATER)
                .await?;
            ensure_eq!(created, Err(taken), "registering what is taken {when}");
        }
    }
    Ok(())
}

/// A device stays signed in: its current token rotates, and a used one still revokes its family.
pub(crate) async fn a_copy_keeps_sign_ins(h: &Harness) -> Outcome {
    let source = memory();
    let ann = register(&source, "ann", None).await?.id;
    for number in [2, 1] {
        sign_in(&source, ann, number, Some("phone")).await?;
        rotate(&source, ann, number, FIRST, SECOND).await?;
    }
    let expected = source.accounts()?.sign_ins(ann, source.now()).await?;
    let copies = through(&source, h).await?;
    for (when, copy) in copies.each() {
        let accounts = copy.accounts()?;
        let sign_ins = accounts.sign_ins(ann, copy.now()).await?;
        ensure_eq!(sign_ins, expected, "sign-ins {when}");
        let holder = accounts
            .token_holder(ann, sign_in_id(2), copy.now())
            .await?;
        ensure!(
            holder.is_some_and(|holder| holder.is_signed_in),
            "a token of a sign-in is not good {when}"
        );
        let present = async |number, token| -> Outcome<_> {
            let (id, now) = (sign_in_id(number), copy.now());
            Ok(accounts.rotate(id, ann, token, [9; 32], LATE, now).await?)
        };
        let current = present(1, SECOND).await?;
        ensure!(
            matches!(current, Rotation::Rotated(_)),
            "the current token gave {current:?} {when}"
        );
        let used = present(2, FIRST).await?;
        ensure_eq!(used, Rotation::Reused, "a used token {when}");
    }
    Ok(())
}

/// Users of a service that keeps accounts elsewhere are copied too, and so are those who have an account
/// and nothing else.
pub(crate) async fn a_copy_keeps_users_without_accounts(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "ann", None).await?;
    source
        .push(BEN, &session(RUN), &samples("gps", 0..3))
        .await?;
    let copies = through(&source, h).await?;
    for (when, copy) in copies.each() {
        let records = copy.values(BEN, RUN).await?.len();
        ensure_eq!(records, 3, "records of a user without an account {when}");
        let account = copy.accounts()?.user(BEN).await?;
        ensure_eq!(account, None, "the account of a user without one {when}");
        let account = copy.accounts()?.user(ANN).await?;
        ensure!(account.is_some(), "an account is missing {when}");
    }
    Ok(())
}

/// Analyses and what was purged are copied.
pub(crate) async fn a_copy_keeps_analyses_and_purges(h: &Harness) -> Outcome {
    let source = memory();
    for id in [RUN, WALK] {
        let ended = session_with(id, ENDED);
        let clock = source.push(ANN, &ended, &samples("gps", 0..3)).await?.clock;
        analyse(&source, ANN, id, clock).await?;
        let store = source.maintenance()?;
        if id == RUN {
            store.purge_samples(ANN, id, clock, source.now()).await?;
        }
    }
    for (when, copy) in through(&source, h).await?.each() {
        for id in [RUN, WALK] {
            ensure_eq!(
                copy.state(ANN, id).await?,
                source.state(ANN, id).await?,
                "{when}"
            );
            let stored = copy.results()?.analysis(ANN, id).await?;
            ensure!(stored.is_some(), "there is no analysis {when}");
            ensure_eq!(stored, source.results()?.analysis(ANN, id).await?, "{when}");
        }
    }
    Ok(())
}

/// The deletion of an account is copied, whether or not its data have been erased; no data are.
pub(crate) async fn a_copy_keeps_deletions_of_accounts(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "ann", None).await?;
    let ben = register(&source, "Ben", Some("phone")).await?;
    ensure_eq!(ben.id, BEN, "an id");
    source
        .push(BEN, &session(RUN), &samples("gps", 0..3))
        .await?;
    delete(&source, BEN).await?;
    for (when, copy) in through(&source, h).await?.each() {
        ensure_only_a_deletion(copy, BEN).await?;
        let (found, wanted) = (items(copy, BEN).await?, items(&source, BEN).await?);
        ensure_eq!(found, wanted, "what is left {when}");
        let accounts = copy.accounts()?;
        let created = accounts
            .create_user(new_user("BEN", "x@example.org", None), LATER)
            .await?;
        ensure_eq!(created, Err(Taken::Username), "registering the name {when}");
        let created = accounts
            .create_user(new_user("cid", &ben.email, Some("phone")), LATER)
            .await?;
        let id = created.map(|user| user.id.0);
        ensure!(
            id.is_ok_and(|id| id > BEN.0),
            "the next id is {id:?} {when}"
        );
        let now = copy.now();
        let command = push_command(BEN, &body(&session(RUN), &[]), now)?;
        ensure_refused(copy.sync().push(command, now).await, "a push")?;
    }
    Ok(())
}
