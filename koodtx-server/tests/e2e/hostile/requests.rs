//! Thousands of broken requests on every endpoint, signed in or not.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};

use super::mutation::broken;
use super::seeds::{self, Seed};
use super::{Target, assert_documented};
use crate::support::Device;
use crate::support::compress::{CODINGS, compress};

const ATTACKERS_COUNT: u64 = 4;
const REQUESTS_OF_ATTACKER_COUNT: usize = 500;
/// What ends the attacker's own token, and how many requests may come behind it.
const LOGOUT_PATH: &str = "/api/auth/logout";
const REQUESTS_WITH_LOGOUT_COUNT: usize = 50;
/// Statuses that the requests reach: otherwise they would break only the outermost layer.
const REACHED: [u16; 8] = [200, 201, 400, 401, 404, 405, 413, 415];
const ODD_CODINGS: [&str; 5] = ["compress", "gzip, br", "", "identity", "zstd;q=0.5"];
const ODD_TYPES: [&str; 6] = [
    "text/plain",
    "application/json; charset=\"",
    "multipart/form-data",
    "",
    "/",
    "application/+json",
];
const ODD_TOKENS: [&str; 6] = [
    "Bearer",
    "Bearer ",
    "Basic YTpi",
    "Bearer a.b.c",
    "bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer \u{e9}",
];
const ODD_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::ACCEPT_ENCODING,
        "gzip;q=9, *;q=-1, \u{e9}, br;q=0.00001",
    ),
    (header::ACCEPT, "image/png"),
    (header::RANGE, "bytes=5-1"),
    (header::IF_NONE_MATCH, "*"),
    (header::FORWARDED, "for=\"_x\";;;="),
    (header::CONTENT_LANGUAGE, "\u{0}"),
];
/// A header longer than anybody needs, and shorter than what the HTTP library refuses.
const LONG_HEADER_BYTES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_broken_requests_are_all_answered_and_break_nothing() {
    let target = Target::start().await;
    let mut attackers = Vec::new();
    for seed in 0..ATTACKERS_COUNT {
        let device = Device::login(&target.server, "ann", &format!("attacker-{seed}")).await;
        let attacker = Attacker {
            client: Client::builder().no_proxy().build().expect("a client"),
            url: target.server.url(),
            token: device.token().to_owned(),
            random: StdRng::seed_from_u64(seed),
        };
        attackers.push(tokio::spawn(attacker.attack()));
    }
    let mut reached = BTreeSet::new();
    for attacker in attackers {
        reached.extend(attacker.await.expect("every answer was documented"));
    }
    let missed: Vec<_> = REACHED
        .iter()
        .filter(|status| !reached.contains(*status))
        .collect();
    assert!(
        missed.is_empty(),
        "no request was answered with {missed:?}, only {reached:?}"
    );
    target.assert_unharmed().await;
}

struct Attacker {
    client: Client,
    url: String,
    token: String,
    random: StdRng,
}

impl Attacker {
    /// Returns the statuses that were answered.
    async fn attack(mut self) -> BTreeSet<u16> {
        let seeds = seeds::all();
        let mut reached = BTreeSet::new();
        for left in (0..REQUESTS_OF_ATTACKER_COUNT).rev() {
            let Some(seed) = seeds.choose(&mut self.random) else {
                continue;
            };
            if seed.path == LOGOUT_PATH && left >= REQUESTS_WITH_LOGOUT_COUNT {
                continue;
            }
            reached.insert(self.send(seed).await);
        }
        reached
    }

    async fn send(&mut self, seed: &Seed) -> u16 {
        let path = self.path(seed.path);
        let url = format!("{}{path}", self.url);
        let method = self.method(&seed.method);
        let mut headers = HeaderMap::new();
        self.authorize(&mut headers);
        let mut body = broken(&seed.body, &mut self.random);
        self.describe(&mut headers, &mut body).await;
        let show = || {
            let start = String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
            format!("{method} {url} {headers:?} {start:?}")
        };
        let request = self
            .client
            .request(method.clone(), &url)
            .headers(headers.clone())
            .body(body.clone());
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{error:?} to {}", show()));
        let (status, answered) = (response.status(), response.headers().clone());
        let text = response
            .bytes()
            .await
            .unwrap_or_else(|error| panic!("{error:?} to {}", show()));
        if method != Method::HEAD {
            assert_documented(status, &answered, &text, &show);
        }
        status.as_u16()
    }

    fn path(&mut self, path: &str) -> String {
        let mut path = path.to_owned();
        match self.random.random_range(0..20) {
            0 => path.push_str("%00%ff%"),
            1 => path.push('/'),
            2 => path.push_str("?limit=-1&limit=1e9&cursor=%F0%9F"),
            3 => path.insert_str(1, "../%2e%2e/"),
            4 => path.truncate(self.random.random_range(1..=path.len())),
            5 => path.extend(std::iter::repeat_n('a', LONG_HEADER_BYTES)),
            _ => {}
        }
        path
    }

    fn method(&mut self, method: &Method) -> Method {
        let odd = [
            Method::PUT,
            Method::PATCH,
            Method::OPTIONS,
            Method::HEAD,
            Method::TRACE,
            Method::GET,
        ];
        let replaced = self
            .random
            .random_bool(0.07)
            .then(|| odd.choose(&mut self.random).cloned());
        replaced.flatten().unwrap_or_else(|| method.clone())
    }

    fn authorize(&mut self, headers: &mut HeaderMap) {
        let text = match self.random.random_range(0..10) {
            0 => return,
            1 => ODD_TOKENS
                .choose(&mut self.random)
                .copied()
                .unwrap_or_default()
                .to_owned(),
            2 => {
                let mut token = self.token.clone().into_bytes();
                let at = self.random.random_range(0..token.len());
                token[at] = b'A' + (token[at] % 26);
                format!("Bearer {}", String::from_utf8_lossy(&token))
            }
            _ => format!("Bearer {}", self.token),
        };
        insert(headers, header::AUTHORIZATION, &text);
    }

    /// Adds the headers that describe the body, right or wrong, and others that do not belong.
    async fn describe(&mut self, headers: &mut HeaderMap, body: &mut Vec<u8>) {
        match self.random.random_range(0..12) {
            0 => {}
            1 => {
                let odd = ODD_TYPES
                    .choose(&mut self.random)
                    .copied()
                    .unwrap_or_default();
                insert(headers, header::CONTENT_TYPE, odd);
            }
            _ => insert(headers, header::CONTENT_TYPE, "application/json"),
        }
        let coding = CODINGS
            .choose(&mut self.random)
            .copied()
            .unwrap_or_default();
        match self.random.random_range(0..12) {
            0 => insert(headers, header::CONTENT_ENCODING, coding),
            1 => {
                let odd = ODD_CODINGS
                    .choose(&mut self.random)
                    .copied()
                    .unwrap_or_default();
                insert(headers, header::CONTENT_ENCODING, odd);
            }
            2 | 3 => {
                *body = compress(coding, body).await;
                insert(headers, header::CONTENT_ENCODING, coding);
            }
            4 => {
                *body = compress(coding, body).await;
                body.truncate(self.random.random_range(0..=body.len()));
                insert(headers, header::CONTENT_ENCODING, coding);
            }
            _ => {}
        }
        if self.random.random_bool(0.3)
            && let Some((name, value)) = ODD_HEADERS.choose(&mut self.random)
        {
            insert(headers, name.clone(), value);
        }
        if self.random.random_bool(0.03) {
            let mut value = vec![0; LONG_HEADER_BYTES];
            self.random.fill_bytes(&mut value);
            insert(
                headers,
                HeaderName::from_static("x-noise"),
                &String::from_utf8_lossy(&value),
            );
        }
    }
}

/// Adds a header with whatever of `text` HTTP can carry.
fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    let bytes: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte >= b' ' && *byte != 0x7f)
        .collect();
    if let Ok(value) = HeaderValue::from_bytes(&bytes) {
        headers.insert(name, value);
    }
}
