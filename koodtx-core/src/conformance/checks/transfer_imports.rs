//! How an import begins, breaks off, goes on and ends.

use std::collections::BTreeSet;

use super::account_deletions::delete;
use super::accounts::{new_user, register};
use super::erasures::{ensure_only_a_deletion, erase};
use super::sign_ins::{live, sign_in, sign_in_id};
use super::transfer_script::{
    EMPTY, LATER, ODD, SOURCE, break_off, copy, ensure_equal, fill, items, memory,
};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{
    ANN, BEN, RIDE, RUN, WALK, everything, record, samples, session, session_with,
};
use crate::id::UserId;
use crate::store::{Credentials, StoreError, StoreErrorKind, TransferItem, User, UserStatus};
use crate::time::Timestamp;

fn is(result: &Result<(), StoreError>, kind: StoreErrorKind) -> bool {
    matches!(result, Err(error) if error.kind() == kind)
}

/// An import is unfinished from its beginning to its end, and only then can users be imported.
pub(crate) async fn an_unfinished_import_is_known(h: &Harness) -> Outcome {
    let store = h.transfer()?;
    ensure_eq!(
        store.unfinished_import().await?,
        None,
        "the import of a fresh store"
    );
    let early = store.import_user(ANN).await.map(drop);
    ensure!(
        is(&early, StoreErrorKind::NotFound),
        "importing into nothing gave {early:?}"
    );
    let early = store.finish_import().await;
    ensure!(
        is(&early, StoreErrorKind::NotFound),
        "finishing nothing gave {early:?}"
    );
    for attempt in 1..=2 {
        store.begin_import(SOURCE).await?;
        let unfinished = store.unfinished_import().await?;
        ensure_eq!(
            unfinished.as_deref(),
            Some(SOURCE),
            "the import in attempt {attempt}"
        );
    }
    let mut import = store.import_user(ANN).await?;
    import.write(TransferItem::Clock(LATER)).await?;
    import.finish().await?;
    let unfinished = store.unfinished_import().await?;
    ensure_eq!(
        unfinished.as_deref(),
        Some(SOURCE),
        "the import after a user"
    );
    store.finish_import().await?;
    ensure_eq!(
        store.unfinished_import().await?,
        None,
        "the import after its end"
    );
    ensure_eq!(
        h.pull(everything(ANN)).await?.clock,
        LATER,
        "the imported clock"
    );
    let again = store.begin_import(SOURCE).await;
    ensure!(
        is(&again, StoreErrorKind::AlreadyExists),
        "beginning a finished import again gave {again:?}"
    );
    Ok(())
}

/// Nothing is imported beside other content: not beside an account, not beside data, and not beside
/// half of another import.
pub(crate) async fn a_store_with_content_takes_no_import(h: &Harness) -> Outcome {
    let store = h.transfer()?;
    store.begin_import(SOURCE).await?;
    let other = store.begin_import("another source").await;
    ensure!(
        is(&other, StoreErrorKind::AlreadyExists),
        "beginning another import gave {other:?}"
    );
    store.finish_import().await?;
    // It was empty, and so the store is still.
    store.begin_import("another source").await?;
    store.finish_import().await?;
    register(h, "ann", None).await?;
    let beside = store.begin_import(SOURCE).await;
    ensure!(
        is(&beside, StoreErrorKind::AlreadyExists),
        "an import beside an account gave {beside:?}"
    );
    ensure_eq!(
        store.unfinished_import().await?,
        None,
        "the import that was refused"
    );
    Ok(())
}

/// Wherever an import broke off, the next attempt ends with everything and with nothing twice.
pub(crate) async fn an_import_goes_on_wherever_it_broke_off(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "ann", Some("phone")).await?;
    sign_in(&source, ANN, 1, Some("phone")).await?;
    fill(&source).await?;
    let all = items(&source, ANN).await?;
    for count in 0..=all.len() {
        break_off(h, ANN, &all[..count]).await?;
    }
    copy(&source, h).await?;
    ensure_equal(&source, h, "after an import in many attempts").await?;
    let page = h.maintenance()?.verify(None, 100).await?;
    ensure_eq!(
        page.problems,
        [],
        "problems after an import in many attempts"
    );
    Ok(())
}

/// A session shows with all its records or not at all, wherever an import breaks off.
pub(crate) async fn a_broken_off_import_leaves_no_half_session(h: &Harness) -> Outcome {
    let source = memory();
    source
        .push(ANN, &session(WALK), &samples("gps", 0..3))
        .await?;
    source
        .push(ANN, &session(RUN), &samples("gps", 0..3_000))
        .await?;
    source
        .push(ANN, &session(RUN), &samples("acc", 0..700))
        .await?;
    let all = items(&source, ANN).await?;
    let whole = source.pull(everything(ANN)).await?.sessions;
    for count in 0..=all.len() {
        break_off(h, ANN, &all[..count]).await?;
        for state in h.pull(everything(ANN)).await?.sessions {
            ensure!(
                whole.contains(&state),
                "after {count} items a session is {state:?}"
            );
            let records = h.records(ANN, state.id).await?.len() as u64;
            ensure_eq!(records, state.data_count, "records after {count} items");
        }
    }
    Ok(())
}

/// Where the account was deleted after an attempt that broke off, the next one takes back what that has
/// brought.
pub(crate) async fn a_resumed_import_follows_a_deletion(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "ann", Some("phone")).await?;
    sign_in(&source, ANN, 1, Some("phone")).await?;
    let records = samples("gps", 0..1_200);
    source.push(ANN, &session(RUN), &records).await?;
    break_off(h, ANN, &items(&source, ANN).await?).await?;
    delete(&source, ANN).await?;
    copy(&source, h).await?;
    erase(h).await?;
    ensure_only_a_deletion(h, ANN).await?;
    let status = h.sync().status(ANN, 10).await?;
    ensure_eq!(status, UserStatus::default(), "the status");
    // What the account had alone is free.
    register(h, "ben", Some("phone")).await?;
    Ok(())
}

/// What changed in the source since the first attempt is as in the source in the end: sessions, their
/// deletions and revivals, and sign-ins that were revoked.
pub(crate) async fn a_resumed_import_follows_its_source(h: &Harness) -> Outcome {
    let source = memory();
    register(&source, "ann", Some("phone")).await?;
    for number in [1, 2] {
        sign_in(&source, ANN, number, Some("phone")).await?;
    }
    fill(&source).await?;
    let all = items(&source, ANN).await?;
    break_off(h, ANN, &all).await?;

    let edit = [record("gps", 4, r#"{"x":"later"}"#)];
    source.push(ANN, &session(RUN), &edit).await?;
    source
        .push(ANN, &session(WALK), &samples("acc", 5..6))
        .await?;
    source.delete(ANN, RIDE).await?;
    // Raised only: the clock of the session stays.
    let stamp = source.now();
    let raised = session_with(EMPTY, &format!(r#""updated_at":"{stamp}""#));
    source.push(ANN, &raised, &[]).await?;
    source
        .accounts()?
        .revoke_device(ANN, sign_in_id(1), None)
        .await?;

    copy(&source, h).await?;
    ensure_eq!(live(h, ANN).await?, [2], "live sign-ins");
    ensure_equal(&source, h, "after the source changed").await
}

/// A session is held from the moment when it is there with all its records, in that state only.
pub(crate) async fn what_an_import_holds_is_there_whole(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let all = items(&source, ANN).await?;
    let states: Vec<_> = all
        .iter()
        .filter_map(|item| match item {
            TransferItem::Session(state) => Some(state.clone()),
            _ => None,
        })
        .collect();
    // Up to the middle of the first session, whose records take several blocks.
    break_off(h, ANN, &all[..2]).await?;
    let mut import = h.transfer()?.import_user(ANN).await?;
    for state in &states {
        ensure!(
            !import.holds(state).await?,
            "an import holds a session that is not there: {}",
            state.id
        );
    }
    for item in &all {
        import.write(item.clone()).await?;
    }
    import.finish().await?;
    let mut import = h.transfer()?.import_user(ANN).await?;
    for state in states {
        ensure!(
            import.holds(&state).await?,
            "an import does not hold {}",
            state.id
        );
        let mut other = state.clone();
        other.updated_at = LATER;
        ensure!(
            !import.holds(&other).await?,
            "an import holds {} in a state that it never had",
            state.id
        );
    }
    let seen: BTreeSet<_> = h
        .pull(everything(ANN))
        .await?
        .sessions
        .iter()
        .map(|s| s.id)
        .collect();
    ensure_eq!(seen, [EMPTY, ODD, WALK, RUN, RIDE].into(), "sessions");
    Ok(())
}

/// An account as an import brings it.
fn account(id: UserId, username: &str, email: &str, device: Option<&str>) -> TransferItem {
    let new = new_user(username, email, device);
    TransferItem::Account(Credentials {
        user: User {
            id,
            username: new.username,
            email: new.email,
            device_id: new.device_id,
            is_active: true,
            created_at: LATER,
            updated_at: LATER,
        },
        password_hash: new.password_hash,
    })
}

async fn import(h: &Harness, user: UserId, item: TransferItem) -> Result<(), StoreError> {
    let store = h.transfer().map_err(|failure| {
        StoreError::new(StoreErrorKind::Internal, "transfer", failure.to_string())
    })?;
    let mut import = store.import_user(user).await?;
    import.write(item).await?;
    import.write(TransferItem::Clock(Timestamp::ZERO)).await?;
    import.finish().await
}

/// Usernames, email addresses and devices stay unique also where the items do not know of each other.
pub(crate) async fn an_imported_account_takes_no_name_of_another(h: &Harness) -> Outcome {
    h.transfer()?.begin_import(SOURCE).await?;
    let first = account(ANN, "Ann", "Ann@example.org", Some("phone"));
    for attempt in 1..=2 {
        let imported = import(h, ANN, first.clone()).await;
        ensure!(imported.is_ok(), "attempt {attempt} gave {imported:?}");
    }
    for second in [
        account(BEN, "ANN", "ben@example.org", None),
        account(BEN, "ben", "ANN@example.org", None),
        account(BEN, "ben", "ben@example.org", Some("phone")),
    ] {
        let imported = import(h, BEN, second.clone()).await;
        ensure!(
            is(&imported, StoreErrorKind::AlreadyExists),
            "{second:?} beside {first:?} gave {imported:?}"
        );
    }
    ensure_eq!(
        h.accounts()?.user(BEN).await?,
        None,
        "the account that was refused"
    );
    Ok(())
}

/// The next account gets an id above those of all imported ones, also where some are missing between.
pub(crate) async fn accounts_get_ids_above_all_imported_ones(h: &Harness) -> Outcome {
    let store = h.transfer()?;
    store.begin_import(SOURCE).await?;
    for id in [ANN, UserId(41)] {
        let name = format!("user {id}");
        let item = account(id, &name, &format!("{name}@example.org"), None);
        import(h, id, item).await?;
    }
    store.finish_import().await?;
    let next = register(h, "next", None).await?.id;
    ensure!(next > UserId(41), "the next account has id {next}");
    Ok(())
}

/// What records count towards a quota is counted as they come in, whatever the source says of it: one from
/// before there were quotas says nothing.
pub(crate) async fn an_import_counts_bytes_anew(h: &Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let store = h.transfer()?;
    store.begin_import(SOURCE).await?;
    let mut import = store.import_user(ANN).await?;
    for mut item in items(&source, ANN).await? {
        if let TransferItem::Session(state) = &mut item {
            state.data_bytes = 0;
        }
        import.write(item).await?;
    }
    import.finish().await?;
    store.finish_import().await?;
    let bytes = async |h: &Harness| -> Outcome<Vec<u64>> {
        let sessions = h.pull(everything(ANN)).await?.sessions;
        let live = sessions.iter().filter(|state| state.live);
        let of_sessions = live.map(|state| state.data_bytes);
        let of_user = h.sync().status(ANN, 0).await?.data_bytes;
        Ok(of_sessions.chain([of_user]).collect())
    };
    ensure_eq!(
        bytes(h).await?,
        bytes(&source).await?,
        "data_bytes of the sessions and of the user"
    );
    Ok(())
}
