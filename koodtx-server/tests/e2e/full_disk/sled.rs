//! The data folder on a disk that runs full.

use serde_json::json;

use super::load::Load;
use crate::support::device::Answer;
use crate::support::{Device, Folder, SmallDisk};

const DISK_MEBIBYTES: u64 = 96;
/// Taken from the start, so that less has to be pushed.
const FILLED_MEBIBYTES: u64 = 56;
/// What the log says, once a minute at most.
const FULL_TEXT: &str = "the disk of the data folder";

#[test]
fn a_full_disk_refuses_pushes_whole_and_the_server_goes_on_when_there_is_room() {
    let test = "full_disk::sled::a_full_disk_refuses_pushes_whole_and_the_server_goes_on_when_there_is_room";
    SmallDisk::with(test, DISK_MEBIBYTES, async |disk| {
        let filler = disk.fill("filler", Some(FILLED_MEBIBYTES));
        let folder = Folder::at(&disk.path().join("data"));
        let server = folder.start();
        let device = Device::register(&server, "ann").await;
        let mut load = Load::new(device.clone(), Answer::is_store_full);
        load.push_until_full().await;
        assert!(load.acknowledged_count() > 0);

        // Somebody else takes what is left, to the last byte.
        let rest = disk.fill("rest", None);
        load.push_until_full().await;
        load.check().await;
        assert!(device.is_healthy().await);
        // What makes room, or only reads, is let in where pushes are not.
        load.delete_one().await.ok();
        let pull = device
            .pull(&json!({}))
            .await
            .expect("the server answers")
            .ok();
        assert!(pull["sync_log_id"].is_u64(), "{}", pull["sync_log_id"]);

        rest.remove();
        filler.remove();
        assert!(load.push_refused_again().await);
        load.check_all(&folder, || server.stop()).await;
        load.assert_told_seldom(&folder, FULL_TEXT);
    });
}

#[test]
fn after_a_kill_on_a_full_disk_it_starts_when_there_is_room_and_has_everything() {
    let test = "full_disk::sled::after_a_kill_on_a_full_disk_it_starts_when_there_is_room_and_has_everything";
    SmallDisk::with(test, DISK_MEBIBYTES, async |disk| {
        let filler = disk.fill("filler", Some(FILLED_MEBIBYTES));
        let folder = Folder::at(&disk.path().join("data"));
        let server = folder.start();
        let device = Device::register(&server, "ann").await;
        let mut load = Load::new(device.clone(), Answer::is_store_full);
        load.push_until_full().await;
        let rest = disk.fill("rest", None);
        server.kill();
        let output = folder.run(&["--listen", "127.0.0.1:0"]);
        let err = String::from_utf8_lossy(&output.stderr);
        let says_why = err.contains("does not open") && err.contains("No space left on device");
        assert!(!output.status.success() && says_why, "{err}");

        rest.remove();
        filler.remove();
        let server = folder.start();
        load.go_on_at(device.at(&server));
        load.check().await;
        assert!(load.push_refused_again().await);
        load.check_all(&folder, || server.stop()).await;
    });
}
