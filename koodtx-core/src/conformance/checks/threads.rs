//! Calls at the same time, on threads of their own.

use std::future::Future;
use std::sync::{Arc, Barrier};

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::conformance::failure::{Failure, Outcome};

/// Callers at the same time: more than there are cores, so that they get in each other's way.
pub(super) const CALLERS_COUNT: usize = 6;

/// Runs a future on a thread of its own, so that callers overlap also where a store keeps its
/// thread busy.
pub(super) fn on_a_thread<T: Send + 'static>(
    call: impl Future<Output = Outcome<T>> + Send + 'static,
) -> JoinHandle<Outcome<T>> {
    spawn_blocking(move || Handle::current().block_on(call))
}

pub(super) async fn joined<T>(thread: JoinHandle<Outcome<T>>) -> Outcome<T> {
    thread
        .await
        .map_err(|error| Failure::new(format!("a caller died: {error}")))?
}

/// Runs one future for each caller, all from the same moment on, and returns what each came to.
pub(super) async fn race<T, F>(call: impl Fn(usize) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let start = Arc::new(Barrier::new(CALLERS_COUNT));
    let threads: Vec<_> = (0..CALLERS_COUNT)
        .map(|caller| {
            let (start, call) = (start.clone(), call(caller));
            on_a_thread(async move {
                start.wait();
                call.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for thread in threads {
        results.push(joined(thread).await?);
    }
    Ok(results)
}
