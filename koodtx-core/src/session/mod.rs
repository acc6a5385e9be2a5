//! A session's metadata: what a push says of it, what is stored of it, and how the two merge.

mod fields;
mod patch;
mod state;

pub use fields::{SampleRate, SessionFields};
pub use patch::SessionPatch;
pub use state::{Admission, SessionMerge, SessionState, SessionWrite};
