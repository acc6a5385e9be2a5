//! Where a request comes from.

use std::net::IpAddr;

use poem::web::RemoteAddr;
use poem::{Addr, FromRequest, Request, RequestBody};

use crate::app::App;

/// The header in which a reverse proxy names its client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the peer of the connection, or, where the operator says that a reverse
/// proxy stands before the server, the last entry of `X-Forwarded-For`, which is the proxy's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) Option<IpAddr>);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let behind_proxy = App::of(request)?.behind_proxy;
        let forwarded = || {
            let last = request
                .headers()
                .get_all(FORWARDED_FOR)
                .iter()
                .next_back()?;
            last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let peer = match request.remote_addr() {
            RemoteAddr(Addr::SocketAddr(address)) => Some(address.ip()),
            RemoteAddr(_) => None,
        };
        Ok(Self(if behind_proxy {
            forwarded().or(peer)
        } else {
            peer
        }))
    }
}
