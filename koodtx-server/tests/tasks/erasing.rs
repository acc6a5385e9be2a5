//! Removing what deleted accounts have left.

use koodtx_core::store::NewUser;
use koodtx_server::jobs::Task;
use serde_json::json;

use crate::support::{ANN, BEN, World, on_every_store, session_id};

on_every_store!(
    what_a_deleted_account_has_left_is_removed_and_nothing_else,
    without_deleted_accounts_nothing_is_removed,
);

async fn register(world: &World, name: &str) {
    let new = NewUser {
        username: name.to_owned(),
        email: format!("{name}@example.org"),
        device_id: None,
        password_hash: "hash".to_owned(),
    };
    let now = world.service.now();
    let created = world.store.create_user(new, now).await.unwrap();
    created.unwrap();
}

async fn what_a_deleted_account_has_left_is_removed_and_nothing_else(world: World) {
    register(&world, "ann").await;
    register(&world, "ben").await;
    for user in [ANN, BEN] {
        world.push(user, 1, &json!({}), 0..2_000).await;
        world.push(user, 2, &json!({}), 0..10).await;
        let (id, number) = (user.to_string(), session_id(1).to_string());
        let arguments = [("user", &*id), ("session", &*number)];
        world.run(Task::ExportSession, &arguments).await;
    }
    let files = || {
        let entries = std::fs::read_dir(&world.context.export_folder).unwrap();
        entries.count()
    };
    assert_eq!(files(), 2);
    let now = world.service.now();
    assert!(world.store.delete_user(ANN, now).await.unwrap());
    // What is still to be removed is nothing wrong, and other tasks leave it alone.
    assert!(world.is_sound().await);
    world.days_later(60);
    world.run(Task::CloseSessions, &[]).await;

    world.dry_run(Task::EraseAccounts).await;
    let outcome = world.run(Task::EraseAccounts, &[]).await;
    assert_eq!(outcome["finished"], true);
    // The memory store has removed everything at once, and has nobody left to name.
    if world.store.info().kind != "memory" {
        assert_eq!(outcome["accounts"], 1);
        assert!(outcome["pieces"].as_u64().unwrap() > 2, "{outcome}");
        assert_eq!((&outcome["export_files"], files()), (&json!(1), 1));
    }
    let again = world.run(Task::EraseAccounts, &[]).await;
    assert_eq!(
        (&again["accounts"], &again["pieces"]),
        (&json!(0), &json!(0))
    );
    let of_ann = world.store.sessions(ANN, None, 10).await.unwrap();
    assert!(of_ann.sessions.is_empty());
    let of_ben = world.store.sessions(BEN, None, 10).await.unwrap();
    let counts: Vec<_> = of_ben.sessions.iter().map(|one| one.data_count).collect();
    assert_eq!(counts, [10, 2_000]);
    assert!(world.is_sound().await);
}

async fn without_deleted_accounts_nothing_is_removed(world: World) {
    register(&world, "ann").await;
    world.push(ANN, 1, &json!({}), 0..10).await;
    let outcome = world.run(Task::EraseAccounts, &[]).await;
    assert_eq!(outcome["pieces"], 0);
    let sessions = world.store.sessions(ANN, None, 10).await.unwrap();
    assert_eq!(sessions.sessions.len(), 1);
}
