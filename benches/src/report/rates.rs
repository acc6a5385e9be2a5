//! Fresh, repeated and conflicting pushes, beside the parser and InfluxDB.

use super::ReportError;
use super::bench::{Bench, load};
use super::influxdb::{self, InfluxDb};
use super::part::{Part, Store};
use super::processes::Processes;
use super::results::{median, median_ratio, thousands};
use super::sizes::{BATCH_SAMPLES, CONNECTIONS_COUNT};
use crate::load::{DigitsArg, Fleet, LoadOptions, Mode, Source};
use crate::parsing::{parse_rate, parse_rate_beside};
use crate::workload::{Body, Recording, SEED, session_id};

/// Bodies that the parser is given in turn.
const PARSED_BODIES_COUNT: usize = 8;
const PARTS: [Part; 5] = [
    Part::Fresh,
    Part::Influxdb,
    Part::Retry,
    Part::Conflict,
    Part::Cpu,
];
const MILLION: f64 = 1e6;

/// The rates of each turn, one side after the other.
#[derive(Debug, Default)]
struct Turns {
    fresh: Vec<f64>,
    parse: Vec<f64>,
    parse_beside: Vec<f64>,
    influx: Vec<f64>,
    retry: Vec<f64>,
    conflict: Vec<f64>,
    cpu: Vec<f64>,
}

pub(super) async fn measure(bench: &mut Bench, store: Store) -> Result<(), ReportError> {
    if !bench.begins(store, &PARTS, "rates") {
        return Ok(());
    }
    let home = bench.home(store).await?;
    let server = bench.serve(&home)?;
    let options = load(&server);
    let mut fresh = Fleet::prepare(&options).await?;
    let mut retry = repeated(bench, Part::Retry, &options, Mode::Retry).await?;
    let mut conflict = repeated(bench, Part::Conflict, &options, Mode::Conflict).await?;
    let influx = if bench.wants(Part::Influxdb) {
        InfluxDb::start().await?
    } else {
        None
    };
    let mut lines = match &influx {
        Some(influx) => Some(lines_to(influx, &options).await?),
        None => None,
    };
    let parsed = parsed_bodies();

    let processes = Processes::of(&server, &home)?;
    let (turn, short_turn) = (bench.sizes.turn, bench.sizes.short_turn);
    // What happens only once is not what is measured.
    let warm_up = fresh.push_for(short_turn).await;
    bench.results.rate(&warm_up);
    home.settle().await?;
    let mut turns = Turns::default();
    for _ in 0..bench.sizes.rounds {
        let before = processes.cpu_seconds()?;
        let run = fresh.push_for(turn).await;
        let used = processes.cpu_seconds()? - before;
        turns.cpu.push(used / (run.tally.samples as f64 / MILLION));
        turns.fresh.push(bench.results.rate(&run));
        if bench.wants(Part::Fresh) {
            turns.parse.push(parse_rate(&parsed, short_turn));
            let beside = parse_rate_beside(&parsed, short_turn);
            turns.parse_beside.push(beside);
        }
        for (fleet, rates) in [
            (&mut lines, &mut turns.influx),
            (&mut retry, &mut turns.retry),
            (&mut conflict, &mut turns.conflict),
        ] {
            if let Some(fleet) = fleet {
                let run = fleet.push_for(turn).await;
                rates.push(bench.results.rate(&run));
            }
        }
    }
    turns.report(bench, store, influx.as_ref());
    server.stop()
}

impl Turns {
    fn report(&self, bench: &mut Bench, store: Store, influx: Option<&InfluxDb>) {
        let results = &mut bench.results;
        let rate = |values: &[f64]| thousands(median(values));
        results.figure("fresh, samples/s", store, rate(&self.fresh));
        let ratios = [
            (Part::Fresh, &self.fresh, &self.parse),
            (Part::Influxdb, &self.fresh, &self.influx),
            (Part::Retry, &self.retry, &self.fresh),
            (Part::Conflict, &self.conflict, &self.fresh),
        ];
        for (part, values, of) in ratios {
            if !values.is_empty() && !of.is_empty() {
                results.set(part, store, median_ratio(values, of));
            }
        }
        let figures = [
            ("parse limit of one core, samples/s".to_owned(), &self.parse),
            (
                "the same while another core parses too, samples/s".to_owned(),
                &self.parse_beside,
            ),
            (
                influx.map_or_else(String::new, |influx| {
                    format!("{}, samples/s", influx.version())
                }),
                &self.influx,
            ),
            ("re-push, samples/s".to_owned(), &self.retry),
            ("conflicting re-push, samples/s".to_owned(), &self.conflict),
        ];
        for (what, values) in figures {
            if !values.is_empty() {
                results.figure(&what, store, rate(values));
            }
        }
        if bench.wants(Part::Influxdb) && influx.is_none() {
            bench
                .results
                .lacks(Part::Influxdb, store, influxdb::NOT_INSTALLED);
        }
        if bench.wants(Part::Cpu) {
            bench.results.set(Part::Cpu, store, median(&self.cpu));
        }
    }
}

/// Devices that push again what they have pushed, where the part is wanted.
async fn repeated(
    bench: &Bench,
    part: Part,
    options: &LoadOptions,
    mode: Mode,
) -> Result<Option<Fleet>, ReportError> {
    if !bench.wants(part) {
        return Ok(None);
    }
    let options = LoadOptions {
        mode,
        ..options.clone()
    };
    Ok(Some(Fleet::prepare(&options).await?))
}

/// The same samples on their way to InfluxDB.
async fn lines_to(influx: &InfluxDb, options: &LoadOptions) -> Result<Fleet, ReportError> {
    let endpoints: Result<Vec<_>, _> = (0..CONNECTIONS_COUNT).map(|_| influx.endpoint()).collect();
    Ok(Fleet::at(endpoints?, options, Source::of_lines).await?)
}

/// Bodies like those that are pushed.
fn parsed_bodies() -> Vec<Body> {
    let mut recording = Recording::new(SEED, DigitsArg::Decimal.into());
    (0..PARSED_BODIES_COUNT)
        .map(|_| Body::new(session_id(1), &recording.samples(BATCH_SAMPLES)))
        .collect()
}
