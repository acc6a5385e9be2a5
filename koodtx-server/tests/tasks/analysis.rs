//! Analysing sessions as a task.

use std::sync::Arc;

use koodtx_server::jobs::{Task, TaskHandler};
use koodtx_server::queue::{JobQueue, QueueSettings};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{ANN, BEN, World, on_every_store, session_id};

on_every_store!(
    sessions_that_are_behind_are_found_and_analysed,
    a_purged_session_keeps_its_analysis,
    lost_jobs_are_made_up_for_through_the_queue,
);

fn ended() -> serde_json::Value {
    json!({ "end_time": "2025-11-13T12:00:00Z" })
}

async fn sessions_that_are_behind_are_found_and_analysed(world: World) {
    world.push(ANN, 1, &ended(), 0..100).await;
    world.push(ANN, 2, &json!({}), 0..100).await;
    world.push(BEN, 1, &ended(), 0..50).await;
    assert_eq!(world.dry_run(Task::Analyse).await["sessions"], 2);
    assert_eq!(world.run(Task::Analyse, &[]).await["sessions"], 2);
    assert_eq!(world.run(Task::Analyse, &[]).await["sessions"], 0);
    let stored = world
        .store
        .analysis(BEN, session_id(1))
        .await
        .unwrap()
        .unwrap();
    assert!(
        stored.result.contains("\"total_records\":50"),
        "{}",
        stored.result
    );
    assert!(
        world
            .store
            .analysis(ANN, session_id(2))
            .await
            .unwrap()
            .is_none()
    );
    // Late samples make it behind.
    world.push(ANN, 1, &json!({}), 100..101).await;
    assert_eq!(world.run(Task::Analyse, &[]).await["sessions"], 1);
    let state = world
        .store
        .session(ANN, session_id(1))
        .await
        .unwrap()
        .unwrap()
        .state;
    let stored = world
        .store
        .analysis(ANN, session_id(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.clock, state.updated_at);
}

async fn a_purged_session_keeps_its_analysis(world: World) {
    world.push(ANN, 1, &ended(), 0..100).await;
    world.run(Task::Analyse, &[]).await;
    world.days_later(31);
    world.run(Task::PurgeSamples, &[]).await;
    world.push(ANN, 1, &json!({}), 500..502).await;
    assert_eq!(world.run(Task::Analyse, &[]).await["sessions"], 0);
    let id = session_id(1).to_string();
    let asked = world
        .run(Task::Analyse, &[("user", "1"), ("session", &id)])
        .await;
    assert!(asked["kept"].is_string(), "{asked}");
    let stored = world
        .store
        .analysis(ANN, session_id(1))
        .await
        .unwrap()
        .unwrap();
    assert!(
        stored.result.contains("\"total_records\":100"),
        "{}",
        stored.result
    );
}

/// Nobody has submitted anything; the round finds what is to be done and has it done.
async fn lost_jobs_are_made_up_for_through_the_queue(mut world: World) {
    for session in 1..=20 {
        world.push(ANN, session, &ended(), 0..10).await;
    }
    let queue = JobQueue::open_memory(QueueSettings::default());
    world.context.queue = Some(queue.clone());
    assert_eq!(world.run(Task::Analyse, &[]).await["sessions"], 20);
    let handler = Arc::new(TaskHandler::new(Arc::new(world.context.clone())));
    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (queue, stop) = (queue.clone(), stop.clone());
        async move { queue.run_worker(handler, 2, stop.cancelled_owned()).await }
    });
    let done = async {
        while queue.stats().await.unwrap().succeeded < 20 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let patience = std::time::Duration::from_mins(1);
    tokio::time::timeout(patience, done)
        .await
        .expect("all jobs are done");
    stop.cancel();
    working.await.unwrap();
    assert_eq!(world.dry_run(Task::Analyse).await["sessions"], 0);
}
