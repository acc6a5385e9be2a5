//! What stands between the socket and the API: connections, TLS, bodies, compression, the access
//! log, and the headers that every answer has.

mod access_log;
mod allowed_methods;
mod body;
mod body_in_span;
mod budget;
mod certificate;
mod coding;
mod compress;
mod connections;
mod cors;
mod envelope;
mod heavy;
mod lingering;
mod request_id;
mod security_headers;
mod stalled_write;
mod tls;

pub(crate) use allowed_methods::AllowedMethods;
pub use body::{BodyError, BodyLimits, BodyReader, ReceivedBody};
pub(crate) use body::{BodyHead, BodyKind};
pub(crate) use budget::Share;
pub use certificate::TlsError;
pub(crate) use connections::serve_connections;
pub use cors::CorsOrigins;
pub(crate) use envelope::Envelope;
pub(crate) use heavy::{Heavy, Turn};
pub(crate) use tls::Tls;
