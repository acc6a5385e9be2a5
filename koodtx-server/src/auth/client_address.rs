//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use poem::web::RemoteAddr;
use poem::{Addr, FromRequest, Request, RequestBody};

use crate::app::App;

/// The header in which a reverse proxy names its client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the peer of the connection, or, where the operator says that a reverse
/// proxy stands before the server, the last entry of `X-Forwarded-For`, which is the proxy's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) Option<IpAddr>);

impl ClientAddress {
    pub(crate) fn of(request: &Request, behind_proxy: bool) -> Self {
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
        Self(if behind_proxy {
            forwarded().or(peer)
        } else {
            peer
        })
    }
}

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::of(request, App::of(request)?.behind_proxy))
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6, which is what one customer of a
/// provider gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        },
        address @ IpAddr::V4(_) => address,
    }
}
