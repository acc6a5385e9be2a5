//! What is read at each scrape: all of it is at hand.

use std::fmt;
use std::time::Instant;

use koodtx_store_postgres::PostgresStore;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::process;
use crate::http::{Admission, BodyReader};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// The process, the room for requests and the connections to a database, as they are; the last two where
/// there are any.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) started: Instant,
    pub(super) intake: Option<Intake>,
    pub(super) postgres: Option<PostgresStore>,
}

/// The room for requests and for their bodies.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) admission: Admission,
    pub(super) bodies: BodyReader,
}

impl Collector for Moment {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let uptime = self.started.elapsed().as_secs_f64();
        gauge(
            &mut encoder,
            "uptime_seconds",
            "Time since the process was ready.",
            uptime,
        )?;
        let usage = process::usage();
        if let Some(bytes) = usage.resident_bytes {
            gauge(
                &mut encoder,
                "process_resident_memory_bytes",
                "Memory of the process that is in RAM.",
                bytes as f64,
            )?;
        }
        if let Some(seconds) = usage.cpu_seconds {
            let counter = ConstCounter::new(seconds);
            let help = "Processor time of the process, in user and in system mode.";
            let kind = MetricType::Counter;
            counter.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                kind,
            )?)?;
        }
        if let Some(intake) = &self.intake {
            intake.encode_admission(&mut encoder)?;
            intake.encode_bodies(&mut encoder)?;
        }
        self.encode_connections(&mut encoder)
    }
}

impl Intake {
    fn encode_admission(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let places = self.admission.in_use();
        let help = "Requests in progress that have one of the places.";
        gauge(encoder, "http_places", help, places.used as f64)?;
        let help = "Places of requests in progress; beyond them requests are shed.";
        gauge(encoder, "http_places_limit", help, places.limit as f64)
    }

    fn encode_bodies(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let [pushes, others] = self.bodies.memory();
        let used = [(kind("push"), pushes.used), (kind("other"), others.used)];
        let help = "Memory that bodies of requests hold.";
        gauges(encoder, "body_memory_bytes", help, &used)?;
        let limits = [(kind("push"), pushes.limit), (kind("other"), others.limit)];
        let help = "Memory that bodies of requests may hold; beyond it they are shed.";
        gauges(encoder, "body_memory_limit_bytes", help, &limits)
    }
}

impl Moment {
    fn encode_connections(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let Some(postgres) = &self.postgres else {
            return Ok(());
        };
        let counts = postgres.connections();
        let states = [
            (StateLabels { state: "in_use" }, counts.in_use as usize),
            (StateLabels { state: "idle" }, counts.idle as usize),
        ];
        let help = "Connections of this process to PostgreSQL.";
        gauges(encoder, "postgres_connections", help, &states)?;
        let help = "Connections to PostgreSQL that this process may have.";
        let max = f64::from(counts.max);
        gauge(encoder, "postgres_connections_limit", help, max)
    }
}

fn kind(kind: &'static str) -> KindLabels {
    KindLabels { kind }
}

fn gauge(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    value: f64,
) -> Result<(), fmt::Error> {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: &[(L, usize)],
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        ConstGauge::new(*value as f64).encode(metric.encode_family(labels)?)?;
    }
    Ok(())
}
