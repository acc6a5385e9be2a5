//! Disks that run full: pushes are refused whole and say when to come back, what is there can be
//! read, and as soon as there is room again everything goes on.

mod load;
mod postgres;
mod sled;
