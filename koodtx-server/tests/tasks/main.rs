//! Every task on every store, and what devices see of it.

mod analysis;
mod cleaning;
mod erasing;
mod exports;
mod support;
