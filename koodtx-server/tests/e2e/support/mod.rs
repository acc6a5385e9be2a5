//! What the proofs share: the server process, devices that talk to it, and copies to compare.

#[path = "../../suite/support/columns.rs"]
pub mod columns;
pub mod compress;
pub mod device;
pub mod folder;
pub mod follower;
pub mod json;
pub mod mirror;
pub mod process_memory;
pub mod raw;
pub mod server;
pub mod small_disk;

pub use device::Device;
pub use folder::Folder;
pub use follower::Follower;
pub use mirror::Mirror;
pub use server::Server;
pub use small_disk::SmallDisk;

pub const MEBIBYTE_BYTES: u64 = 1024 * 1024;
