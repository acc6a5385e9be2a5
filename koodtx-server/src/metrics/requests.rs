//! Requests and their answers.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use poem::http::Method;
use poem::{PathPattern, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::answer_body::counted;
use super::level::{Entered, Level};
use super::routes::Routes;
use super::times::Times;
use crate::error::{Rendered, Shed};

/// The methods that are told apart; a client may make up others.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// The code of a wrong username or password.
const FAILED_LOGIN_CODE: &str = "invalid_credentials";

/// The template of a route, never a path: there are as many as the API has.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: Arc<str>,
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnswerLabels {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ShedLabels {
    code: &'static str,
    reason: &'static str,
}

impl From<Shed> for ShedLabels {
    fn from(shed: Shed) -> Self {
        Self {
            code: shed.code(),
            reason: shed.name(),
        }
    }
}

/// Counts requests.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    answers: Family<AnswerLabels, Counter>,
    times: Family<RouteLabels, Times, fn() -> Times>,
    in_flight: Level,
    abandoned: Counter,
    errors: Family<CodeLabels, Counter>,
    shed: Family<ShedLabels, Counter>,
    failed_logins: Counter,
    response_bytes: Counter,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            answers: Family::default(),
            times: Family::new_with_constructor(Times::short),
            in_flight: Level::default(),
            abandoned: Counter::default(),
            errors: Family::default(),
            shed: Family::default(),
            failed_logins: Counter::default(),
            response_bytes: Counter::default(),
        }
    }
}

/// A request that is being answered. One that is dropped before it was answered was given up by its
/// client.
struct InFlight<'a> {
    requests: &'a Requests,
    entered: Option<Entered>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.entered.is_some() {
            self.requests.abandoned.inc();
        }
    }
}

impl Requests {
    pub(super) fn register(&self, registry: &mut Registry) {
        let mut with = |name: &str, help: &str, metric: &Counter| {
            registry.register(name, help, metric.clone());
        };
        with(
            "http_requests_abandoned",
            "Requests whose client went away before the answer began",
            &self.abandoned,
        );
        with(
            "failed_logins",
            "Attempts to sign in with a wrong username or password",
            &self.failed_logins,
        );
        with(
            "http_response_bytes",
            "Bytes of response bodies, as sent",
            &self.response_bytes,
        );
        registry.register(
            "http_requests",
            "Requests that were answered",
            self.answers.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
            self.times.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are being answered, to the end of the answer",
            self.in_flight.0.clone(),
        );
        registry.register(
            "http_errors",
            "Error answers by their code",
            self.errors.clone(),
        );
        registry.register(
            "http_requests_shed",
            "Requests that were refused for want of room, or as too many of one client",
            self.shed.clone(),
        );
        // There from the start, so that a rate has something to begin at.
        for shed in Shed::ALL {
            drop(self.shed.get_or_create(&shed.into()));
        }
    }

    /// Answers a request, and counts it.
    pub(crate) async fn measure(
        &self,
        method: &Method,
        routes: &Routes,
        answering: impl Future<Output = Response>,
    ) -> Response {
        let method = known(method);
        let started = Instant::now();
        let mut in_flight = InFlight {
            requests: self,
            entered: Some(self.in_flight.enter()),
        };
        let response = answering.await;
        let entered = in_flight.entered.take();
        let pattern = response.data::<PathPattern>();
        let route = routes.template(pattern.map(|pattern| &*pattern.0));
        self.note(route, method, started, &response);
        counted(response, method, self.response_bytes.clone(), entered)
    }

    fn note(&self, route: Arc<str>, method: &'static str, started: Instant, response: &Response) {
        let status = response.status().as_u16();
        let times = RouteLabels {
            route: route.clone(),
            method,
        };
        self.times.get_or_create(&times).observe(started.elapsed());
        let labels = AnswerLabels {
            route,
            method,
            status,
        };
        self.answers.get_or_create(&labels).inc();
        let Some(Rendered { code, shed }) = response.extensions().get::<Rendered>().copied() else {
            return;
        };
        self.errors.get_or_create(&CodeLabels { code }).inc();
        if let Some(shed) = shed {
            self.shed.get_or_create(&shed.into()).inc();
        }
        if code == FAILED_LOGIN_CODE {
            self.failed_logins.inc();
        }
    }
}

fn known(method: &Method) -> &'static str {
    let known = METHODS.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("OTHER")
}
