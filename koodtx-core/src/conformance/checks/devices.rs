//! Devices that follow the loop of the protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::pages::seven_sessions;
use super::threads::{joined, on_a_thread};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::follower::{Follower, whole_copy};
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, NOON, RIDE, RUN, body, record, samples, session, session_id, session_with,
};
use crate::store::{StoreErrorKind, SyncStore};

/// The protocol's loop, alone, ends with the state of the store: at any page size, with whole
/// sessions or changed records only.
pub(crate) async fn a_device_that_follows_the_protocol_has_everything(h: &Harness) -> Outcome {
    let store = &**h.sync();
    let mut devices: Vec<Follower> = [(1, false), (2, true), (100, false), (100, true)]
        .map(|(size, changes_only)| Follower::new(ANN, size, changes_only))
        .into();
    let push = async |id, members: &str, records: &[String]| {
        h.push(ANN, &session_with(id, members), records).await
    };
    for step in 0..6 {
        match step {
            0 => drop(seven_sessions(h).await?),
            1 => drop(push(RUN, "", &samples("gps", 0..3)).await?),
            2 => drop(push(RUN, r#""notes":"rain""#, &samples("acc", 1..3)).await?),
            3 => drop(h.delete(ANN, RUN).await?),
            4 => drop(push(RIDE, "", &samples("gps", 0..1)).await?),
            // Deleted and revived before the devices look again.
            _ => {
                h.delete(ANN, RIDE).await?;
                push(RIDE, "", &samples("gps", 1..2)).await?;
                push(RUN, "", &samples("gps", 2..4)).await?;
            }
        }
        let expected = whole_copy(store, ANN).await?;
        for device in &mut devices {
            device.round(store).await?;
            ensure_eq!(*device.copy(), expected, "after step {step}, {device:?}");
        }
    }
    for device in &mut devices {
        ensure_eq!(
            device.round(store).await?,
            0,
            "sessions of a round without changes"
        );
    }
    Ok(())
}

/// Devices that follow the protocol with small pages, while others write, end with exactly the
/// state of the store.
pub(crate) async fn a_device_beside_writers_misses_nothing(h: &Harness) -> Outcome {
    const WRITERS_COUNT: u64 = 4;
    /// Each device pulls at least so often while the writers are at it.
    const ROUNDS_COUNT: usize = 3;
    const PAGE_SIZE: usize = 2;
    let store = h.sync().clone();
    let enough = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS_COUNT)
        .map(|writer| {
            let (store, enough) = (store.clone(), enough.clone());
            on_a_thread(async move { write_until(&*store, writer, &enough).await })
        })
        .collect();
    let mut devices = [
        Follower::new(ANN, PAGE_SIZE, false),
        Follower::new(ANN, PAGE_SIZE, true),
    ];
    for round in 0.. {
        if round >= ROUNDS_COUNT {
            enough.store(true, Ordering::Release);
        }
        if writers.iter().all(JoinHandle::is_finished) {
            break;
        }
        for device in &mut devices {
            device.round(&*store).await?;
        }
    }
    for writer in writers {
        joined(writer).await?;
    }
    let expected = whole_copy(&*store, ANN).await?;
    for device in &mut devices {
        // The first round may repeat what came late; the second must be the last.
        device.round(&*store).await?;
        device.round(&*store).await?;
        for (id, session) in &expected {
            ensure_eq!(
                device.copy().get(id),
                Some(session),
                "the device's copy of {id}"
            );
        }
        ensure_eq!(
            device.copy().len(),
            expected.len(),
            "sessions of the device"
        );
    }
    Ok(())
}

/// Begins sessions, adds to earlier ones, also to those of other writers, and deletes a few, until
/// it is enough.
async fn write_until(store: &dyn SyncStore, writer: u64, enough: &AtomicBool) -> Outcome {
    const PUSHES_MIN_COUNT: u64 = 8;
    /// Where nobody ever says that it is enough: a device failed.
    const PUSHES_MAX_COUNT: u64 = 60;
    const PAUSE: Duration = Duration::from_millis(1);
    for number in 0..PUSHES_MAX_COUNT {
        if number >= PUSHES_MIN_COUNT && enough.load(Ordering::Acquire) {
            break;
        }
        let own = session_id(u128::from(writer * PUSHES_MAX_COUNT + number) + 1);
        let one = record("gps", writer, &format!(r#"{{"x":{number}}}"#));
        let command = push_command(ANN, &body(&session(own), &[one]), NOON)?;
        store.push(command, NOON).await?;

        let shared = session_id(u128::from(number / 2) + 1);
        let metadata = session_with(shared, &format!(r#""notes":"{writer} {number}""#));
        let command = push_command(
            ANN,
            &body(&metadata, &samples("acc", [writer, number])),
            NOON,
        )?;
        store.push(command, NOON).await?;
        if number % 5 == 4 {
            match store.delete_session(ANN, shared, NOON).await {
                Err(error) if error.kind() != StoreErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
