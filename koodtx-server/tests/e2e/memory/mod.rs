//! Memory does not grow with what clients send or ask for.

mod flood;
mod long_pull;
mod overload;
pub mod shape;
