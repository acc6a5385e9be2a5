//! What stands between the socket and the API: connections, TLS, bodies, compression, the access
//! log, and the headers that every answer has.

mod access_log;
mod admission;
mod allowed_methods;
mod body;
mod body_in_span;
mod budget;
mod certificate;
mod coding;
mod compress;
mod connections;
mod cors;
mod counts;
mod envelope;
mod form;
mod gate;
mod heavy;
mod held_body;
mod lingering;
mod reading;
mod refusals;
mod request_id;
mod security_headers;
mod stalled_write;
mod tls;

pub(crate) use admission::Admission;
pub(crate) use allowed_methods::AllowedMethods;
pub use body::{BodyError, BodyLimits, BodyReader, ReceivedBody};
pub(crate) use body::{BodyHead, BodyKind};
pub(crate) use budget::Share;
pub use certificate::TlsError;
pub(crate) use certificate::read_chain;
pub use connections::ConnectionLimits;
pub(crate) use connections::serve_connections;
pub use cors::CorsOrigins;
pub(crate) use envelope::Envelope;
pub(crate) use form::{COLUMNS_MEDIA_TYPE, Form};
pub(crate) use gate::Gate;
pub(crate) use heavy::{HEAVY_REQUESTS_MAX_COUNT, HEAVY_REQUESTS_OF_USER_MAX_COUNT, Heavy, Turn};
pub(crate) use reading::BODY_MIN_BYTES_A_SECOND;
pub(crate) use request_id::RequestId;
pub(crate) use tls::Tls;
