//! Many devices at once: exact counts, and devices that follow miss nothing.

pub mod editing;
pub mod following;
pub mod identical;
