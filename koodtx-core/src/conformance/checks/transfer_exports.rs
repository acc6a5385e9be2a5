//! What an export gives out.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::accounts::register;
use super::sign_ins::sign_in;
use super::threads::{joined, on_a_thread};
use super::transfer_script::{drain, ensure_equal, fill, items, memory};
use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::conformance::harness::push_command;
use crate::conformance::script::{ANN, BEN, RUN, body, samples, session, session_id};
use crate::id::UserId;
use crate::store::TransferItem;
use crate::time::Timestamp;
use crate::transfer::ItemOrder;

/// Everybody is listed of whom there is anything, once and in order, in steps of any size.
pub(crate) async fn users_are_listed_in_steps(h: &Harness) -> Outcome {
    let store = h.transfer()?;
    ensure_eq!(
        store.transfer_users(None, 10).await?,
        [],
        "users of an empty store"
    );
    let account = register(h, "ann", None).await?.id;
    sign_in(h, UserId(3), 1, None).await?;
    for user in [7, 5, -2] {
        h.push(UserId(user), &session(RUN), &samples("gps", 0..1))
            .await?;
    }
    h.push(account, &session(RUN), &[]).await?;
    let expected = [UserId(-2), account, UserId(3), UserId(5), UserId(7)];
    for limit in 1..=expected.len() + 1 {
        let mut users = Vec::new();
        loop {
            let after = users.last().copied();
            let step = store.transfer_users(after, limit).await?;
            ensure!(step.len() <= limit, "{} users of {limit}", step.len());
            ensure!(
                users.len() <= expected.len(),
                "the list of users does not end: {users:?}"
            );
            users.extend(&step);
            if step.len() < limit {
                break;
            }
        }
        ensure_eq!(users, expected, "users in steps of {limit}");
    }
    Ok(())
}

/// Items come in their order, each session with as many records as it says, and the clock last.
pub(crate) async fn an_export_is_in_order_and_adds_up(h: &Harness) -> Outcome {
    let ann = register(h, "ann", None).await?.id;
    for number in [2, 3, 1] {
        sign_in(h, ann, number, Some("phone")).await?;
    }
    fill(h).await?;
    for user in [ANN, BEN] {
        let mut order = ItemOrder::new(user);
        for item in items(h, user).await? {
            order.check(&item)?;
        }
        order.end()?;
    }
    let unknown = items(h, UserId(99)).await?;
    ensure_eq!(
        unknown,
        [TransferItem::Clock(Timestamp::ZERO)],
        "items of an unknown user"
    );
    Ok(())
}

/// The same calls leave the same in any store, value by value, however it cuts and keeps its blocks.
pub(crate) async fn the_same_calls_give_the_same_export(h: &Harness) -> Outcome {
    let oracle = memory();
    for h in [h, &oracle] {
        register(h, "ann", Some("phone")).await?;
        sign_in(h, ANN, 1, Some("phone")).await?;
        fill(h).await?;
    }
    ensure_equal(&oracle, h, "between the memory store and this one").await
}

/// Passing over the blocks of a session, from the first or from a later one on, leaves out nothing else.
pub(crate) async fn an_export_passes_over_blocks(h: &Harness) -> Outcome {
    fill(h).await?;
    let is_block = |item: &TransferItem| matches!(item, TransferItem::Block(..));
    let expected: Vec<_> = items(h, ANN)
        .await?
        .into_iter()
        .filter(|item| !is_block(item))
        .collect();
    for read in [0, 1, 2] {
        let mut export = h.transfer()?.export_user(ANN).await?;
        let (mut seen, mut blocks) = (Vec::new(), 0);
        while let Some(item) = export.next().await? {
            if is_block(&item) {
                blocks += 1;
            } else {
                blocks = 0;
                seen.push(item);
            }
            let of_session = matches!(seen.last(), Some(TransferItem::Session(_)));
            if of_session && blocks == read {
                export.skip_blocks().await?;
            }
            ensure!(blocks <= read, "a block was not passed over");
        }
        ensure!(
            seen == expected,
            "items other than blocks are missing after passing over all but {read} blocks"
        );
    }
    Ok(())
}

/// What is pushed while an export is under way is not in it, nor half of it.
pub(crate) async fn an_export_is_exact_at_one_clock(h: &Harness) -> Outcome {
    /// Long enough for a push that need not wait.
    const PATIENCE_MILLIS: u64 = 10;
    const STEPS_COUNT: u64 = 10;
    fill(h).await?;
    let before = items(h, ANN).await?;
    let mut export = h.transfer()?.export_user(ANN).await?;
    let first = export.next().await?;

    let now = h.now();
    let store = Arc::clone(h.sync());
    let bodies = [RUN, session_id(0)].map(|id| body(&session(id), &samples("gps", 500..1_700)));
    // A store may let pushes wait for the end of the export.
    let writer = on_a_thread(async move {
        for body in bodies {
            store.push(push_command(ANN, &body, now)?, now).await?;
        }
        Ok(())
    });
    for _ in 0..STEPS_COUNT {
        if writer.is_finished() {
            break;
        }
        let pause = || std::thread::sleep(Duration::from_millis(PATIENCE_MILLIS));
        spawn_blocking(pause)
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
    }
    let mut exported: Vec<_> = first.into_iter().collect();
    exported.extend(drain(&mut *export).await?);
    ensure!(
        exported == before,
        "an export has something of what was pushed after it began"
    );
    drop(export);
    joined(writer).await?;
    ensure!(items(h, ANN).await? != before, "the pushes left no trace");
    Ok(())
}
