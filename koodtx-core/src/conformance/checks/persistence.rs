//! What must be there when the store is opened again.

use super::account_deletions::delete;
use super::accounts::{new_user, register};
use super::erasures::{ensure_only_a_deletion, erase};
use super::finding::{ENDED, analyse};
use super::sign_ins::{FIRST, SECOND, rotate, sign_in};
use super::transfer_script::{SOURCE, break_off, copy, fill, items, memory};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::follower::whole_copy;
use crate::conformance::script::{
    ANN, RIDE, RUN, WALK, everything, record, samples, session, session_with,
};
use crate::store::{Rotation, Taken, TaskRun};

const RECENT: usize = 100;

/// Sessions, records, stamps, tombstones, totals and the log of pushes are all back.
pub(crate) async fn everything_pushed_is_there_again(h: Harness) -> Outcome {
    h.push(
        ANN,
        &session_with(RUN, r#""notes":"rain""#),
        &samples("gps", 0..1_500),
    )
    .await?;
    h.push(
        ANN,
        &session(RUN),
        &[record("gps", 3, r#"{"x":"changed"}"#)],
    )
    .await?;
    h.push(ANN, &session(WALK), &samples("acc", 0..3)).await?;
    h.push(ANN, &session(RIDE), &samples("gps", 0..3)).await?;
    h.delete(ANN, RIDE).await?;
    let seen = whole_copy(&**h.sync(), ANN).await?;
    let before = (
        h.pull(everything(ANN)).await?,
        h.records(ANN, RUN).await?,
        h.detail(ANN, RUN).await?,
        h.sync().status(ANN, RECENT).await?,
    );
    let h = h.reopen().await?;
    let after = (
        h.pull(everything(ANN)).await?,
        h.records(ANN, RUN).await?,
        h.detail(ANN, RUN).await?,
        h.sync().status(ANN, RECENT).await?,
    );
    ensure_eq!(after.0, before.0, "the answer to a pull");
    ensure!(
        after.1 == before.1,
        "the records of a session are not the same"
    );
    ensure_eq!(after.2, before.2, "the detail of a session");
    ensure_eq!(after.3, before.3, "the totals and the log");
    ensure!(
        whole_copy(&**h.sync(), ANN).await? == seen,
        "a device would get another copy"
    );
    Ok(())
}

/// The user clock goes on where it stood, also where the wall clock is behind it by then; and so do
/// the ids of the log.
pub(crate) async fn the_clock_goes_on_where_it_stood(h: Harness) -> Outcome {
    let early = h.now();
    let before = h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    h.delete(ANN, RUN).await?;
    let deleted = h.pull(everything(ANN)).await?.clock;
    let h = h.reopen().await?;
    let after = h.push_at(early, ANN, &session(WALK), &[]).await?;
    ensure!(
        after.clock > deleted,
        "clock {} after {deleted}",
        after.clock
    );
    ensure!(
        after.log_id > before.log_id,
        "log id {:?} after {:?}",
        after.log_id,
        before.log_id
    );
    Ok(())
}

/// Accounts, their names and their sign-ins are all back.
pub(crate) async fn accounts_and_sign_ins_are_there_again(h: Harness) -> Outcome {
    let ann = register(&h, "ann", Some("phone")).await?;
    let ben = register(&h, "ben", None).await?;
    for (number, user) in [(1, ann.id), (2, ben.id)] {
        sign_in(&h, user, number, Some("phone")).await?;
    }
    rotate(&h, ann.id, 1, FIRST, SECOND).await?;
    let disabled = h.accounts()?.set_active(ben.id, false, h.now()).await?;
    let h = h.reopen().await?;
    let users = h.accounts()?.users(None, 10).await?.users;
    let expected: Vec<_> = [Some(ann.clone()), disabled]
        .into_iter()
        .flatten()
        .collect();
    ensure_eq!(users, expected, "accounts");
    let again = super::accounts::new_user("ANN", "other@example.org", None);
    ensure!(
        h.accounts()?.create_user(again, h.now()).await?.is_err(),
        "a name is free again"
    );
    let rotation = rotate(&h, ben.id, 2, FIRST, SECOND).await?;
    ensure_eq!(rotation, Rotation::Unknown, "a token revoked before");
    let rotation = rotate(&h, ann.id, 1, SECOND, FIRST).await?;
    ensure!(
        matches!(rotation, Rotation::Rotated(_)),
        "the current token gave {rotation:?}"
    );
    let next = register(&h, "cid", None).await?;
    ensure_eq!(next.id.0, ben.id.0 + 1, "the id of the next account");
    Ok(())
}

/// A store knows of its unfinished import when it is opened again, and goes on with it.
pub(crate) async fn an_import_goes_on_when_opened_again(mut h: Harness) -> Outcome {
    let source = memory();
    fill(&source).await?;
    let all = items(&source, ANN).await?;
    for count in [1, 3, all.len()] {
        break_off(&h, ANN, &all[..count]).await?;
        h = h.reopen().await?;
        let unfinished = h.transfer()?.unfinished_import().await?;
        ensure_eq!(
            unfinished.as_deref(),
            Some(SOURCE),
            "the import after {count} items"
        );
    }
    copy(&source, &h).await?;
    let h = h.reopen().await?;
    let unfinished = h.transfer()?.unfinished_import().await?;
    ensure_eq!(unfinished, None, "the import after its end");
    ensure!(
        items(&h, ANN).await? == all,
        "what was imported is not there again"
    );
    Ok(())
}

/// Purges, closings, analyses and the last runs of tasks are back.
pub(crate) async fn what_background_work_left_is_there_again(h: Harness) -> Outcome {
    let ended = session_with(RUN, ENDED);
    let clock = h.push(ANN, &ended, &samples("gps", 0..1_000)).await?.clock;
    analyse(&h, ANN, RUN, clock).await?;
    let active = h
        .push(ANN, &session(WALK), &samples("gps", 0..3))
        .await?
        .clock;
    let store = h.maintenance()?;
    store.purge_samples(ANN, RUN, clock, h.now()).await?;
    store
        .close_session(ANN, WALK, active, "closed", h.now())
        .await?;
    let run = TaskRun {
        task: "purge".to_owned(),
        started_at: h.now(),
        finished_at: h.now(),
        succeeded: true,
        outcome: "{}".to_owned(),
    };
    h.results()?.put_task_run(run.clone()).await?;
    store.purge_logs(ANN, h.now(), 1).await?;
    drop(store);
    let before = (h.pull(everything(ANN)).await?, items(&h, ANN).await?);
    let h = h.reopen().await?;
    let after = (h.pull(everything(ANN)).await?, items(&h, ANN).await?);
    ensure_eq!(after.0, before.0, "the answer to a pull");
    ensure!(after.1 == before.1, "what is stored is not the same");
    ensure_eq!(h.results()?.task_runs().await?, [run], "runs of tasks");
    Ok(())
}

/// A deletion is there again, and so is what is still to be erased: the erasure goes on.
pub(crate) async fn a_deleted_account_stays_deleted(h: Harness) -> Outcome {
    let ann = register(&h, "ann", None).await?.id;
    h.push(ann, &session(RUN), &samples("gps", 0..1_500))
        .await?;
    h.push(ann, &session(WALK), &samples("gps", 0..3)).await?;
    delete(&h, ann).await?;
    h.maintenance()?.erase_deleted(1).await?;
    let h = h.reopen().await?;
    let taken = new_user("ann", "x@example.org", None);
    let taken = h.accounts()?.create_user(taken, h.now()).await?;
    ensure_eq!(taken, Err(Taken::Username), "registering the name again");
    erase(&h).await?;
    ensure_only_a_deletion(&h, ann).await?;
    let next = register(&h, "ben", None).await?.id;
    ensure!(next > ann, "the id {next} comes after {ann}");
    Ok(())
}
