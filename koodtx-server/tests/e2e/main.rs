//! End-to-end proofs: the real binary with its embedded store, over real connections, killed,
//! stopped, raced, flooded and fed rubbish.

mod support;

mod crash;
mod hostile;
mod memory;
mod races;
mod real_recordings;
mod shutdown;
