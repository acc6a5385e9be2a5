//! The report of the speed: that everything can be measured. How fast anything is fails no test.

#[path = "../../examples/tests/support/mod.rs"]
mod support;

use clap::Parser;
use koodtx_bench::report::{self, Outcome, PAGE_NAME, Part, ReportOptions, Store};

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    report: ReportOptions,
}

/// Options as an engineer gives them.
fn options(arguments: &[&str]) -> ReportOptions {
    let server = support::server_binary().to_str().unwrap();
    let arguments = [&["report", "--quick", "--server", server], arguments].concat();
    CommandLine::try_parse_from(arguments).unwrap().report
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_measured_on_both_stores_and_no_push_fails() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&["--output", folder.path().to_str().unwrap()]);
    let report = report::run(&options, "the command", |_| {}).await.unwrap();
    let results = &report.results;
    assert!(results.is_clean() && results.pushes > 100, "{results:?}");
    for row in Part::ROWS {
        for store in Store::ALL {
            match &results.outcomes[&(row, store)] {
                Outcome::Value(value) => assert!(*value > 0.0, "{row:?} {store}: {value}"),
                Outcome::NotMeasured(why) => {
                    assert!(
                        row == Part::Influxdb && !is_installed("influxd"),
                        "{row:?}: {why}"
                    );
                }
            }
        }
    }
    for plot in Part::PLOTS {
        for curve in &results.curves[&plot] {
            assert!(curve.points.len() > 1, "{plot:?}: {curve:?}");
            assert!(
                curve.points.iter().all(|&(_, rate)| rate > 0.0),
                "{curve:?}"
            );
        }
    }

    let page = std::fs::read_to_string(folder.path().join(PAGE_NAME)).unwrap();
    assert_eq!(page, report.page);
    assert!(
        page.contains("Written by `the command`") && page.contains("A quick run"),
        "{page}"
    );
    let targets = page
        .split("## ")
        .find(|part| part.starts_with("Targets"))
        .unwrap();
    let rows = targets
        .lines()
        .filter(|line| line.starts_with("| "))
        .count();
    assert_eq!(rows, Part::ROWS.len() + 2, "{targets}");
    assert!(!targets.contains("|  |"), "{targets}");
    for link in page.split("](plots/").skip(1) {
        let name = link.split(')').next().unwrap();
        let plot = std::fs::read_to_string(folder.path().join("plots").join(name)).unwrap();
        assert!(
            plot.starts_with("<svg ") && plot.ends_with("</svg>\n"),
            "{name}"
        );
    }
    assert_eq!(page.matches("](plots/").count(), Part::PLOTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_of_one_store_is_measured_alone() {
    let options = options(&["--store", "sled", "--only", "written,columns-bytes"]);
    let report = report::run(&options, "the command", |_| {}).await.unwrap();
    let measured: Vec<_> = report.results.outcomes.keys().copied().collect();
    assert_eq!(
        measured,
        [
            (Part::Written, Store::Sled),
            (Part::ColumnsBytes, Store::Sled)
        ]
    );
    assert!(report.results.curves.is_empty() && report.results.is_clean());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let arguments = ["report", "--server", "/absent/koodtx-server"];
    let options = CommandLine::try_parse_from(arguments).unwrap().report;
    let error = report::run(&options, "the command", |_| {})
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/absent/koodtx-server") && text.contains("--server"),
        "{text}"
    );
}
