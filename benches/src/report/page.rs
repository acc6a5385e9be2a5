//! The results as a page of Markdown.

use std::fmt::Write;

use super::machine::Machine;
use super::part::{Part, Store};
use super::plot;
use super::results::{Figure, Outcome, Results};

/// Where the plots are, seen from the page.
pub(super) const PLOTS_FOLDER: &str = "plots";

const METHOD: &str = "\
Server, load generator and database share the machine, so each rate is that of all of them together. Pushes go over
HTTP on the loopback address, in bodies of 5,000 samples (three motion sensors at 100 Hz, a position once a second)
from 2 devices with accounts of their own, unless the row says otherwise. Answers count, not attempts: an answer of 200
means that the samples are on disk. **Every comparison of two rates or latencies alternates the two sides ROUNDS times
in the run, and is the median of the ratios of neighbouring turns**; other numbers are medians of the turns.

- The parse limit is what one core reaches when it only parses the same bodies into columns, by its processor time.
  The other cores are idle then. The row below it is what a core reaches while another parses too, as cores are busy
  while a server is pushed to.
- InfluxDB takes the same samples by its line protocol, 5,000 points a request on 2 connections, each write synced to
  disk, as its defaults have it.
- PostgreSQL is a cluster of its own on the same file system, with `fsync` and `full_page_writes` on and 64 MB of
  shared buffers. Its processes count where processor time is counted.
- Bytes written are what the disk was given, by any program, from one `sync` to the next, with a checkpoint of the
  database before each. (`write_bytes` of `/proc/PID/io` would count up to 1 MiB for an 8 KiB write where files are
  cached in large folios.) Bytes on disk are those beyond a store with next to nothing in it: of sled the length of its
  files, without the 16 MiB that it reserves behind them; of PostgreSQL the size of the database, without the
  write-ahead log, which is recycled.
- A full pull is one device on one connection; beside it stand fresh pushes from 2. The hour is pushed in bodies of
  1,000 samples; pushes into the grown and the empty session come from one device.
- The sessions of the delta pull are all of one user.
- What a core does is read off the processor time of one thread; the columnar form has the shortest of many turns.
";

/// Writes the page.
pub(super) fn write(
    results: &Results,
    machine: &Machine,
    command: &str,
    rounds: usize,
    is_quick: bool,
) -> String {
    let mut page = String::from("# Results\n\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "Written by `{command}`. What is measured and why: [README.md](README.md).\n"
    );
    if is_quick {
        page.push_str(
            "**A quick run: the sizes are too small for the numbers to say anything.**\n\n",
        );
    }
    if machine.is_busy() {
        page.push_str("**Other programs kept the machine busy: the numbers are rough.**\n\n");
    }
    page.push_str("| | |\n| --- | --- |\n");
    for (what, value) in machine.rows() {
        let _ = writeln!(page, "| {what} | {value} |");
    }
    page.push_str(
        "\n## Targets\n\nRatios, which hold on any machine. Where the time of missed ones goes: \
         [PROFILE.md](PROFILE.md).\n\n",
    );
    targets(&mut page, results);
    let _ = writeln!(page, "\n{}", failures(results));
    if !results.figures.is_empty() {
        page.push_str("\n## Numbers behind them\n\n");
        figures(&mut page, &results.figures);
    }
    let plots: Vec<Part> = Part::PLOTS
        .into_iter()
        .filter(|part| results.curves.contains_key(part))
        .collect();
    if !plots.is_empty() {
        page.push_str("\n## Plots\n");
        for part in plots {
            let (name, title) = (plot::file_name(part), plot::title(part));
            let _ = writeln!(page, "\n![{title}]({PLOTS_FOLDER}/{name})");
        }
    }
    let _ = write!(
        page,
        "\n## How\n\n{}",
        METHOD.replace("ROUNDS", &rounds.to_string())
    );
    page
}

fn targets(page: &mut String, results: &Results) {
    page.push_str("| what | sled | PostgreSQL |\n| --- | --- | --- |\n");
    for part in Part::ROWS {
        let cells = Store::ALL.map(|store| cell(results, part, store));
        let Some(target) = part.target() else {
            continue;
        };
        if cells.iter().any(|cell| !cell.is_empty()) {
            let [sled, postgres] = cells;
            let _ = writeln!(page, "| {} | {sled} | {postgres} |", target.what);
        }
    }
}

/// The number, whether it is met, and what was asked for; empty where nobody wanted to know.
fn cell(results: &Results, part: Part, store: Store) -> String {
    let Some((outcome, target)) = results.outcomes.get(&(part, store)).zip(part.target()) else {
        return String::new();
    };
    let limit = target.limit(store);
    match outcome {
        Outcome::Value(value) => {
            let verdict = if limit.is_met(*value) {
                "met"
            } else {
                "**missed**"
            };
            format!("{value:.*} ({limit}): {verdict}", target.places)
        }
        Outcome::NotMeasured(why) => format!("not measured: {why} ({limit})"),
    }
}

fn failures(results: &Results) -> String {
    if results.is_clean() {
        return format!("No push failed, of {}.", results.pushes);
    }
    let first = results.first_failure.as_deref().unwrap_or("no message");
    format!(
        "**Of {} pushes {} failed, and {} were counted otherwise than they were meant.** The first failure: {first}",
        results.pushes + results.failed_pushes,
        results.failed_pushes,
        results.unexpected_counts,
    )
}

/// One row for everything that was measured, in the order in which it was first.
fn figures(page: &mut String, figures: &[Figure]) {
    page.push_str("| what | sled | PostgreSQL |\n| --- | --- | --- |\n");
    let mut whats: Vec<&str> = Vec::new();
    for figure in figures {
        if !whats.contains(&&*figure.what) {
            whats.push(&figure.what);
        }
    }
    for what in whats {
        let [sled, postgres] = Store::ALL.map(|store| {
            let found = figures
                .iter()
                .find(|figure| figure.what == what && figure.store == store);
            found.map_or("", |figure| &figure.value)
        });
        let _ = writeln!(page, "| {what} | {sled} | {postgres} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_its_number_and_whether_it_is_met() {
        let mut results = Results::default();
        results.set(Part::Fresh, Store::Sled, 0.5);
        results.set(Part::Fresh, Store::Postgres, 0.299);
        results.lacks(Part::Influxdb, Store::Sled, "influxd is not installed");
        let mut page = String::new();
        targets(&mut page, &results);
        assert!(
            page.contains("| 0.50 (≥ 0.5): met | 0.30 (≥ 0.3): **missed** |"),
            "{page}"
        );
        assert!(
            page.contains("| not measured: influxd is not installed (≥ 2.5) |  |"),
            "{page}"
        );
        assert_eq!(page.lines().count(), 4, "{page}");
    }

    #[test]
    fn failures_are_not_passed_over() {
        let mut results = Results {
            pushes: 7,
            ..Results::default()
        };
        assert_eq!(failures(&results), "No push failed, of 7.");
        results.failed_pushes = 2;
        results.first_failure = Some("busy".to_owned());
        let text = failures(&results);
        assert!(
            text.contains("Of 9 pushes 2 failed") && text.ends_with("busy"),
            "{text}"
        );
    }

    #[test]
    fn figures_of_both_stores_share_a_row() {
        let mut results = Results::default();
        results.figure("a", Store::Sled, "1".to_owned());
        results.figure("b", Store::Sled, "2".to_owned());
        results.figure("a", Store::Postgres, "3".to_owned());
        let mut page = String::new();
        figures(&mut page, &results.figures);
        assert!(page.ends_with("| a | 1 | 3 |\n| b | 2 |  |\n"), "{page}");
    }
}
