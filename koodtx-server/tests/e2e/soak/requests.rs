//! What the server says that it was asked.

use std::collections::BTreeMap;
use std::fmt;

use crate::support::Server;

const SAMPLE: &str = "koodtx_http_requests_total{";
/// What a request of a soak may be answered with. 401 and 404: of accounts and sessions that were deleted,
/// and of analyses that were not made yet.
const STATUSES: [&str; 7] = ["200", "201", "202", "401", "404", "429", "503"];

/// Requests by method, route and status.
#[derive(Default)]
pub struct Requests(BTreeMap<(String, String), u64>);

impl Requests {
    /// Adds what a server counted, and fails where an answer was none of those that may be.
    pub async fn add(&mut self, server: &Server) {
        let banner = server.banner();
        let url = banner
            .lines()
            .find_map(|line| line.trim().strip_prefix("metrics"));
        let url = url.expect("metrics are on").trim();
        let text = reqwest::get(url).await.expect("metrics").text().await;
        let text = text.expect("metrics");
        for line in text.lines().filter_map(|line| line.strip_prefix(SAMPLE)) {
            let (labels, count) = line.rsplit_once("} ").expect("labels and a value");
            let label = |name: &str| {
                let (_, rest) = labels.split_once(&format!("{name}=\"")).expect("a label");
                rest.split('"').next().unwrap_or_default().to_owned()
            };
            let status = label("status");
            assert!(STATUSES.contains(&status.as_str()), "{line}");
            let request = format!("{} {}", label("method"), label("route"));
            let count: u64 = count.parse().expect("a count");
            *self.0.entry((request, status)).or_default() += count;
        }
    }

    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many were answered so.
    pub fn count_of(&self, status: &str) -> u64 {
        let counts = self
            .0
            .iter()
            .filter(|((_, answered), _)| answered == status);
        counts.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((request, status), count) in &self.0 {
            write!(f, "\n  {count:>8} {status} {request}")?;
        }
        Ok(())
    }
}
