//! Pulls of what changed since the last, where nothing did, among few and among many sessions.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Bench, load};
use super::home::Home;
use super::part::{Part, Store};
use super::results::{median, median_ratio};
use super::server::Server;
use super::{ReportError, sessions};
use crate::load::{Api, Fleet, Form, LoadOptions, Login, Source};

const MILLIS_PER_SECOND: f64 = 1e3;

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(store, &[Part::Delta], "many sessions") {
        return Ok(());
    }
    let [few, many] = bench.sizes.sessions;
    let few = Device::with_sessions(bench, store, few).await?;
    let many = Device::with_sessions(bench, store, many).await?;
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..bench.sizes.rounds {
        for (device, latencies) in [(&few, &mut of_few), (&many, &mut of_many)] {
            latencies.push(device.latency(bench.sizes.delta_pulls).await?);
        }
    }
    let results = &mut bench.results;
    results.set(Part::Delta, store, median_ratio(&of_many, &of_few));
    let millis = |latencies: &[f64]| format!("{:.2}", median(latencies) * MILLIS_PER_SECOND);
    let [few_count, many_count] = bench.sizes.sessions.map(|count| count as f64);
    for (count, latencies) in [(few_count, &of_few), (many_count, &of_many)] {
        let count = super::results::thousands(count);
        let what = format!("delta pull, nothing changed, {count} sessions, ms");
        results.figure(&what, store, millis(latencies));
    }
    few.server.stop()?;
    many.server.stop()
}

/// The one device of the one user of a server, up to date with it.
struct Device {
    server: Server,
    api: Api,
    login: Login,
    clock: Value,
    // Behind the server, which uses it.
    _home: Home,
}

impl Device {
    /// A user with so many sessions.
    async fn with_sessions(
        bench: &mut Bench,
        store: Store,
        count: u64,
    ) -> Result<Self, ReportError> {
        let home = bench.home(store).await?;
        let server = bench.serve(&home)?;
        let options = LoadOptions {
            connections: 1,
            batch: 1,
            ..load(&server)
        };
        let api = Api::connect(server.url())?;
        let login = api.sign_in(&options).await?;
        let endpoint = api.endpoint(&login, Form::Records);
        let mut fleet = Fleet::at(vec![endpoint], &options, Source::new).await?;
        let run = fleet.push_samples(1).await;
        bench.results.rate(&run);
        server.stop()?;
        sessions::multiply(&home, count).await?;

        let server = bench.serve(&home)?;
        let api = Api::connect(server.url())?;
        let request = json!({"page_size": 1, "include_data": false});
        let page: Value = read(&api, &login, &request).await?;
        if page["total"] != count {
            return Err(ReportError::Unexpected(format!(
                "{count} sessions were stored, and a pull counts {}",
                page["total"]
            )));
        }
        Ok(Self {
            server,
            api,
            login,
            clock: page["server_timestamp"].clone(),
            _home: home,
        })
    }

    /// The median latency of so many pulls, one after another, in seconds.
    async fn latency(&self, pulls: usize) -> Result<f64, ReportError> {
        let request = json!({"last_sync_time": self.clock});
        let mut latencies = Vec::with_capacity(pulls);
        for _ in 0..pulls {
            let start = Instant::now();
            let page = read(&self.api, &self.login, &request).await?;
            latencies.push(start.elapsed());
            if page["sessions"]
                .as_array()
                .is_none_or(|sessions| !sessions.is_empty())
            {
                return Err(ReportError::Unexpected(format!(
                    "nothing changed, and a pull answered {page}"
                )));
            }
        }
        let seconds: Vec<f64> = latencies.iter().map(Duration::as_secs_f64).collect();
        Ok(median(&seconds))
    }
}

async fn read(api: &Api, login: &Login, request: &Value) -> Result<Value, ReportError> {
    let answer = api.pull(login, request).await?;
    let page = answer.json().await;
    page.map_err(|error| ReportError::Unexpected(format!("a pull broke off: {error}")))
}
