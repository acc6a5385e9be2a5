//! Removing what is old, and ending what is silent.

use koodtx_core::store::{SessionFilter, TaskRun};
use koodtx_server::jobs::{Arguments, Task, run_task};
use serde_json::json;

use crate::support::{ANN, BEN, Device, World, on_every_store, session_id};

on_every_store!(
    old_samples_go_and_devices_keep_theirs,
    a_late_upload_is_kept_as_long_as_any_other,
    nothing_is_removed_where_retention_is_off,
    old_log_entries_go,
    silent_sessions_are_closed_and_devices_hear_of_it,
    a_session_that_goes_on_is_not_closed,
    a_task_that_has_no_time_leaves_the_rest_to_its_next_run,
    the_next_run_goes_on_where_the_last_one_ended,
    what_a_task_does_not_know_is_refused,
    tidying_up_says_what_it_did,
    a_report_adds_up,
);

fn ended() -> serde_json::Value {
    json!({ "end_time": "2025-11-13T12:00:00Z" })
}

async fn old_samples_go_and_devices_keep_theirs(world: World) {
    world.push(ANN, 1, &ended(), 0..1_000).await;
    world.push(ANN, 2, &json!({}), 0..20).await;
    world.push(BEN, 1, &ended(), 0..30).await;
    let mut second = Device::of(ANN);
    second.pull(&world).await;
    world.days_later(29);
    world.push(ANN, 3, &ended(), 0..40).await;
    second.pull(&world).await;
    world.days_later(2);

    let would = world.dry_run(Task::PurgeSamples).await;
    assert_eq!(
        (&would["sessions"], &would["samples"]),
        (&json!(2), &json!(1_030))
    );
    let done = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(
        (&done["sessions"], &done["samples"]),
        (&json!(2), &json!(1_030))
    );
    assert_eq!(done["finished"], true);
    let again = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(again["sessions"], 0);
    assert!(world.is_sound().await);

    // The device that was there hears nothing, and keeps what it has.
    let had = second.samples.len();
    second.pull(&world).await;
    assert_eq!((second.shown.len(), second.samples.len()), (0, had));
    // A new one sees that there was more; nothing is called deleted.
    let mut new = Device::of(ANN);
    new.pull(&world).await;
    assert_eq!(new.sessions.len(), 3);
    assert_eq!(new.samples.len(), 60);
    let session = &new.sessions[&session_id(1).to_string()];
    assert_eq!(session["data_count"], 0);
    assert!(session["data_purged_at"].is_string());
    assert_eq!(session["end_time"], "2025-11-13T12:00:00Z");

    // What was found in the samples outlives them.
    let analysis = world
        .store
        .analysis(ANN, session_id(1))
        .await
        .unwrap()
        .unwrap();
    let result: serde_json::Value = serde_json::from_str(&analysis.result).unwrap();
    assert_eq!(result["total_records"], 1_000);
    assert_eq!(result["analysis"]["acc"]["statistics"]["x"]["mean"], 499.5);

    // A phone that uploads more of it is welcome; the old device gets just that.
    world.push(ANN, 1, &json!({}), 5_000..5_007).await;
    second.pull(&world).await;
    assert_eq!((second.shown.len(), second.samples.len()), (1, had + 7));
    assert!(world.is_sound().await);
}

async fn a_late_upload_is_kept_as_long_as_any_other(world: World) {
    world.days_later(365);
    // Recorded a year ago, and uploaded today.
    world.push(ANN, 1, &ended(), 0..10).await;
    let done = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(done["sessions"], 0);
    world.days_later(31);
    let done = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(done["samples"], 10);
}

async fn nothing_is_removed_where_retention_is_off(mut world: World) {
    world.push(ANN, 1, &ended(), 0..10).await;
    world.push(ANN, 2, &json!({}), 0..10).await;
    world.days_later(1_000);
    let retention = &mut world.context.retention;
    retention.sample_days = None;
    retention.log_days = None;
    retention.export_days = None;
    retention.stale_hours = None;
    let before = world
        .store
        .pull(everything(), world.service.now())
        .await
        .unwrap();
    for task in [
        Task::PurgeSamples,
        Task::PurgeLogs,
        Task::PurgeExports,
        Task::CloseSessions,
    ] {
        let done = world.run(task, &[]).await;
        assert!(done["off"].is_string(), "{task}: {done}");
    }
    let after = world
        .store
        .pull(everything(), world.service.now())
        .await
        .unwrap();
    assert_eq!(after, before);
    let status = world.store.status(ANN, 10).await.unwrap();
    assert_eq!(status.recent_syncs.len(), 2);
}

fn everything() -> koodtx_core::pull::PullQuery {
    koodtx_core::pull::PullQuery {
        user: ANN,
        since: None,
        session_ids: None,
        start: koodtx_core::pull::PageStart::Offset(0),
        limit: 100,
        round: None,
    }
}

async fn old_log_entries_go(world: World) {
    for time in 0..5 {
        world.push(ANN, 1, &json!({}), time..time + 1).await;
    }
    world.push(BEN, 1, &json!({}), 0..1).await;
    world.days_later(60);
    world.push(ANN, 1, &json!({}), 0..1).await;
    world.days_later(31);
    assert_eq!(world.dry_run(Task::PurgeLogs).await["entries"], 6);
    assert_eq!(world.run(Task::PurgeLogs, &[]).await["entries"], 6);
    assert_eq!(world.run(Task::PurgeLogs, &[]).await["entries"], 0);
    let left = world.store.status(ANN, 100).await.unwrap().recent_syncs;
    assert_eq!(left.len(), 1);
    assert!(
        world
            .store
            .status(BEN, 100)
            .await
            .unwrap()
            .recent_syncs
            .is_empty()
    );
}

async fn silent_sessions_are_closed_and_devices_hear_of_it(world: World) {
    let last = 1_763_035_199_000;
    let notes = json!({ "notes": "Morning" });
    world.push(ANN, 1, &notes, last - 10..last + 1).await;
    world.push(ANN, 2, &ended(), 0..3).await;
    let mut second = Device::of(ANN);
    second.pull(&world).await;
    world.hours_later(25);
    assert_eq!(world.dry_run(Task::CloseSessions).await["sessions"], 1);
    assert_eq!(world.run(Task::CloseSessions, &[]).await["sessions"], 1);
    assert_eq!(world.run(Task::CloseSessions, &[]).await["sessions"], 0);

    second.pull(&world).await;
    assert_eq!(second.shown, [session_id(1).to_string()]);
    let session = &second.sessions[&session_id(1).to_string()];
    assert_eq!(session["is_active"], false);
    assert_eq!(session["end_time"], "2025-11-13T11:59:59Z");
    let notes = session["notes"].as_str().unwrap();
    assert!(
        notes.starts_with("Morning\n[closed by the server"),
        "{notes}"
    );
    let status = world.store.status(ANN, 0).await.unwrap();
    assert_eq!((status.total_sessions, status.active_sessions), (2, 0));

    // The phone had only been out of reach: its word counts.
    world
        .push(
            ANN,
            1,
            &json!({ "is_active": true, "end_time": null, "notes": "Mine" }),
            0..0,
        )
        .await;
    second.pull(&world).await;
    let session = &second.sessions[&session_id(1).to_string()];
    assert_eq!(
        (&session["is_active"], &session["notes"]),
        (&json!(true), &json!("Mine"))
    );
    assert!(world.is_sound().await);
}

async fn a_session_that_goes_on_is_not_closed(world: World) {
    world.push(ANN, 1, &json!({}), 0..3).await;
    world.hours_later(23);
    world.push(ANN, 1, &json!({}), 3..6).await;
    world.hours_later(23);
    assert_eq!(world.run(Task::CloseSessions, &[]).await["sessions"], 0);
}

async fn a_task_that_has_no_time_leaves_the_rest_to_its_next_run(mut world: World) {
    for session in 1..=5 {
        world.push(ANN, session, &ended(), 0..10).await;
    }
    world.days_later(31);
    let limit = std::mem::take(&mut world.context.time_limit);
    let done = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(
        (&done["sessions"], &done["finished"]),
        (&json!(0), &json!(false))
    );
    world.context.time_limit = limit;
    let done = world.run(Task::PurgeSamples, &[]).await;
    assert_eq!(
        (&done["sessions"], &done["finished"]),
        (&json!(5), &json!(true))
    );
}

async fn the_next_run_goes_on_where_the_last_one_ended(world: World) {
    for session in 1..=3 {
        world.push(ANN, session, &ended(), 0..10).await;
    }
    world.days_later(31);
    // A run that came as far as the second session.
    let state = world
        .store
        .session(ANN, session_id(2))
        .await
        .unwrap()
        .unwrap()
        .state;
    let outcome = json!({
        "finished": false,
        "next": { "user": 1, "created_at": state.created_at },
    });
    let run = TaskRun {
        task: Task::PurgeSamples.name().to_owned(),
        started_at: world.service.now(),
        finished_at: world.service.now(),
        succeeded: true,
        outcome: outcome.to_string(),
    };
    world.store.put_task_run(run).await.unwrap();
    // A dry run says what there is in all.
    assert_eq!(world.dry_run(Task::PurgeSamples).await["sessions"], 3);
    assert_eq!(world.run(Task::PurgeSamples, &[]).await["sessions"], 1);
    // That one came to the end, so the next one begins anew.
    assert_eq!(world.run(Task::PurgeSamples, &[]).await["sessions"], 2);
}

async fn what_a_task_does_not_know_is_refused(world: World) {
    world.push(ANN, 1, &ended(), 0..10).await;
    world.days_later(31);
    for (name, value) in [("dry_run", "true"), ("session", "x"), ("days", "400")] {
        let arguments = Arguments::from([(name.to_owned(), value.to_owned())]);
        let refused = run_task(&world.context, Task::PurgeSamples, &arguments).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains(&format!("`{name}`")), "{message}");
    }
    assert_eq!(world.dry_run(Task::PurgeSamples).await["samples"], 10);
}

async fn tidying_up_says_what_it_did(world: World) {
    world.push(ANN, 1, &ended(), 0..2_000).await;
    let now = world.service.now();
    world
        .store
        .delete_session(ANN, session_id(1), now)
        .await
        .unwrap();
    assert_eq!(world.dry_run(Task::Optimise).await["dry_run"], true);
    let done = world.run(Task::Optimise, &[]).await;
    assert!(!done["done"].as_array().unwrap().is_empty(), "{done}");
    assert!(world.is_sound().await);
}

async fn a_report_adds_up(world: World) {
    world.push(ANN, 1, &ended(), 0..10).await;
    world.days_later(40);
    world.push(BEN, 1, &ended(), 0..7).await;
    world.run(Task::PurgeSamples, &[]).await;
    // A dry run is no run.
    world.dry_run(Task::CloseSessions).await;
    let report = world.run(Task::Report, &[]).await;
    assert_eq!(report["totals"]["sessions"], 2);
    assert_eq!(report["totals"]["samples"], 7);
    assert_eq!(
        report["last_30_days"],
        json!({ "sessions": 1, "samples": 7 })
    );
    assert_eq!(report["retention"]["sample_days"], 30);
    let tasks = report["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 1, "{report}");
    assert_eq!(tasks[0]["task"], "purge-samples");
    assert_eq!(tasks[0]["succeeded"], true);
    assert_eq!(tasks[0]["outcome"]["samples"], 10);
    // The next report does not hold this one.
    let size = report.to_string().len();
    let next = world.run(Task::Report, &[]).await;
    assert!(next.to_string().len() < size + 50);
    let left = world
        .store
        .find_sessions(
            SessionFilter::Created {
                since: crate::support::NOON,
            },
            None,
            10,
        )
        .await
        .unwrap();
    assert_eq!(left.sessions.len(), 2);
}
