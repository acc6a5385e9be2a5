//! What stands between the socket and the API: connections, bodies, compression, the access log.

mod access_log;
mod body;
mod budget;
mod coding;
mod compress;
mod connections;
mod envelope;
mod lingering;
mod stalled_write;

pub use body::{BodyError, BodyLimits, BodyReader, ReceivedBody};
pub(crate) use body::{BodyHead, BodyKind};
pub(crate) use budget::Share;
pub(crate) use connections::serve_connections;
pub(crate) use envelope::{AllowedMethods, envelope};
