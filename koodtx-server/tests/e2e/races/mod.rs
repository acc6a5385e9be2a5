//! Many devices at once: exact counts, and devices that follow miss nothing.

mod editing;
mod following;
mod identical;
