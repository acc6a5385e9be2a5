//! The dashboard shows what there is.

use std::collections::BTreeSet;

use koodtx_store_postgres::testing::TestCluster;
use serde_json::{Value, json};

use crate::support::{Exposition, TestServer, push_body};

fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../deploy/grafana-dashboard.json")).unwrap()
}

/// All queries of the dashboard.
fn queries(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(
                fields
                    .get("expr")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|field| queries(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, into)),
        _ => {}
    }
}

/// The metrics that a query names.
fn metrics(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("koodtx_"))
}

/// The code of every alert and every metric named in a page of documentation.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../koodtx-core/docs/observing.md");
    metrics(page).map(str::to_owned).collect()
}

/// A server on PostgreSQL that has had some traffic of each kind.
async fn busy() -> (TestServer, Exposition) {
    let database = TestCluster::shared().database().await;
    let url = database.url();
    let settings = [
        ("KOODTX_STORE", url.as_str()),
        ("KOODTX_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let server = TestServer::by_settings(&settings).await;
    let server = server.with_guard(database);
    let ann = server.register("ann").await;
    let mut body = push_body(1, 100);
    body["session"]["end_time"] = json!("2025-11-13T01:00:00Z");
    server
        .post("/api/sync/push")
        .by(&ann)
        .json(&body)
        .send()
        .await
        .ok();
    server
        .post("/api/sync/pull")
        .by(&ann)
        .json(&json!({}))
        .send()
        .await
        .ok();
    server.get("/nowhere").send().await;
    let began = std::time::Instant::now();
    loop {
        let scrape = Exposition::of(&server).await;
        let jobs = scrape.count("koodtx_job_attempts_total") > 0;
        if jobs && scrape.value("koodtx_store_refreshed_timestamp_seconds") > 0.0 {
            return (server, scrape);
        }
        assert!(began.elapsed().as_secs() < 30, "{}", scrape.text());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_of_the_documentation_is_there() {
    let (server, scrape) = busy().await;
    let names = scrape.names();
    // As the documentation names a histogram.
    let families: BTreeSet<_> = names
        .iter()
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name))
        .collect();
    let mut queries_found = Vec::new();
    queries(&dashboard(), &mut queries_found);
    assert!(queries_found.len() > 15, "{}", queries_found.len());
    for query in &queries_found {
        let named: Vec<_> = metrics(query).collect();
        assert!(!named.is_empty(), "{query}");
        for metric in named {
            assert!(names.contains(metric), "{metric} of {query}");
        }
    }
    let documented = documented();
    for name in &documented {
        assert!(
            names.contains(name.as_str()) || families.contains(name.as_str()),
            "{name} is documented and not there"
        );
    }
    for family in families {
        let base = family.trim_end_matches("_sum").trim_end_matches("_count");
        assert!(
            documented.contains(family) || documented.contains(base),
            "{family} is not documented"
        );
    }
    let connections = "koodtx_postgres_connections{state=\"idle\"}";
    assert!(scrape.find(connections).is_some());
    assert_eq!(scrape.value("koodtx_postgres_connections_limit"), 16.0);
    server.stop().await;
}

#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        assert!(panel["title"].is_string() && panel["gridPos"].is_object());
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
        }
    }
    assert!(dashboard["uid"].is_string() && dashboard["schemaVersion"].is_u64());
}
