//! The plots: rates of both stores in one figure, as SVG that reads well in light and dark.

mod axis;
mod svg;

use super::part::Part;
use super::results::{Curve, thousands};
use super::sizes::{BATCH_SAMPLES, CONNECTIONS_BATCH_SAMPLES, CONNECTIONS_COUNT};
use axis::Axis;

/// What a plot says beside its lines.
#[derive(Clone, Debug)]
struct Labels {
    title: String,
    across: &'static str,
    /// Whether the rates are spread over powers of ten.
    is_rate_log: bool,
}

const RATE: &str = "fresh samples per second";

/// Name of the file of a plot.
pub(super) fn file_name(part: Part) -> String {
    let name = match part {
        Part::BatchSizes => "batch-sizes",
        Part::Connections => "connections",
        _ => "session-sizes",
    };
    format!("{name}.svg")
}

/// What a plot shows, in words.
pub(super) fn title(part: Part) -> String {
    labels(part).title
}

fn labels(part: Part) -> Labels {
    match part {
        Part::BatchSizes => Labels {
            title: format!("Push rate by batch size, {CONNECTIONS_COUNT} connections"),
            across: "samples per push",
            is_rate_log: true,
        },
        Part::Connections => Labels {
            title: format!(
                "Push rate by connections, {} samples per push",
                thousands(CONNECTIONS_BATCH_SAMPLES as f64)
            ),
            across: "connections, each of an account of its own",
            is_rate_log: false,
        },
        _ => Labels {
            title: format!(
                "Push rate by session size, 1 connection, {} samples per push",
                thousands(BATCH_SAMPLES as f64)
            ),
            across: "samples that the session has",
            is_rate_log: false,
        },
    }
}

/// Draws a plot.
pub(super) fn draw(part: Part, curves: &[Curve]) -> String {
    let labels = labels(part);
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let across = points().map(|point| point.0);
    let across = if part == Part::SessionSizes {
        Axis::log(across)
    } else {
        // What was chosen is rounder than any tick.
        Axis::log_at(across)
    };
    let rates = points().map(|point| point.1);
    let up = if labels.is_rate_log {
        Axis::log(rates)
    } else {
        Axis::linear(rates)
    };
    svg::draw(&labels.title, (labels.across, &across), (RATE, &up), curves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Store;

    #[test]
    fn a_plot_has_its_labels_and_every_point() {
        let curves = Store::ALL.map(|store| Curve {
            store,
            points: vec![(10.0, 5_000.0), (1_000.0, 200_000.0), (50_000.0, 900_000.0)],
        });
        for part in Part::PLOTS {
            let drawing = draw(part, &curves);
            for text in [
                &title(part),
                RATE,
                labels(part).across,
                "sled",
                "PostgreSQL",
            ] {
                assert!(drawing.contains(text), "{text} in {drawing}");
            }
            assert_eq!(drawing.matches("<polyline").count(), 2);
            // One of each is in the legend.
            assert_eq!(drawing.matches("<circle").count(), 3 + 1);
            assert_eq!(drawing.matches("class=\"mark postgres\"").count(), 3 + 1);
            assert!(!drawing.contains("NaN"), "{drawing}");
        }
    }

    #[test]
    fn every_plot_has_a_file_of_its_own() {
        let names: std::collections::BTreeSet<_> = Part::PLOTS.into_iter().map(file_name).collect();
        assert_eq!(names.len(), Part::PLOTS.len());
    }
}
