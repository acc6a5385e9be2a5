//! Lines, marks and letters.

use std::fmt::Write;

use super::axis::{Axis, tick_label};
use crate::report::part::Store;
use crate::report::results::Curve;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Of the field of the lines.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 696.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 356.0;
/// Half of the width of a mark.
const MARK: f64 = 4.5;

/// Colours that stand out from the ground in both schemes; the marks tell the stores apart without.
const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.ground { fill: #ffffff; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.axis { stroke: #59636e; stroke-width: 1; }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.line.sled { stroke: #0969da; }
.mark.sled { fill: #0969da; }
.line.postgres { stroke: #bc4c00; }
.mark.postgres { fill: #bc4c00; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.ground { fill: #0d1117; }
.grid { stroke: #30363d; }
.axis { stroke: #9198a1; }
.line.sled { stroke: #58a6ff; }
.mark.sled { fill: #58a6ff; }
.line.postgres { stroke: #f0883e; }
.mark.postgres { fill: #f0883e; }
}
";

/// Draws lines between two axes, each with what it is called.
pub(super) fn draw(
    title: &str,
    across: (&str, &Axis),
    up: (&str, &Axis),
    curves: &[Curve],
) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"30\">{title}</text>\n"
    );
    horizontal(&mut svg, across);
    vertical(&mut svg, up);
    let mut legend_x = LEFT;
    for curve in curves {
        let class = class(curve.store);
        let place = |(x, y): &(f64, f64)| (x_of(across.1, *x), y_of(up.1, *y));
        let places: Vec<(f64, f64)> = curve.points.iter().map(place).collect();
        let line: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline class=\"line {class}\" points=\"{}\"/>",
            line.join(" ")
        );
        for (x, y) in places {
            mark(&mut svg, curve.store, x, y);
        }
        mark(&mut svg, curve.store, legend_x + MARK, 52.0);
        let name = curve.store.to_string();
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"56.5\">{name}</text>",
            legend_x + 16.0
        );
        legend_x += 40.0 + 8.0 * name.len() as f64;
    }
    svg.push_str("</svg>\n");
    svg
}

fn class(store: Store) -> &'static str {
    match store {
        Store::Sled => "sled",
        Store::Postgres => "postgres",
    }
}

fn x_of(axis: &Axis, value: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * axis.place(value)
}

fn y_of(axis: &Axis, value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * axis.place(value)
}

fn horizontal(svg: &mut String, (label, axis): (&str, &Axis)) {
    let middle = f64::midpoint(LEFT, RIGHT);
    for &tick in &axis.ticks {
        let (x, text) = (x_of(axis, tick), tick_label(tick));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
            BOTTOM + 20.0
        );
    }
    let _ = writeln!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{RIGHT}\" y2=\"{BOTTOM}\"/>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
        BOTTOM + 46.0
    );
}

fn vertical(svg: &mut String, (label, axis): (&str, &Axis)) {
    let middle = f64::midpoint(TOP, BOTTOM);
    for &tick in &axis.ticks {
        let (y, text) = (y_of(axis, tick), tick_label(tick));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 10.0,
            y + 4.5
        );
    }
    let _ = writeln!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{LEFT}\" y2=\"{BOTTOM}\"/>\
         <text transform=\"translate(24 {middle}) rotate(-90)\" text-anchor=\"middle\">{label}</text>"
    );
}

/// A circle or a square.
fn mark(svg: &mut String, store: Store, x: f64, y: f64) {
    let class = class(store);
    let _ = match store {
        Store::Sled => writeln!(
            svg,
            "<circle class=\"mark {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{MARK}\"/>"
        ),
        Store::Postgres => writeln!(
            svg,
            "<rect class=\"mark {class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{size}\" height=\"{size}\"/>",
            x - MARK,
            y - MARK,
            size = MARK * 2.0
        ),
    };
}
