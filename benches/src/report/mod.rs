//! Everything that is promised of the speed, measured in one run, as a page with plots.
//!
//! It starts what it needs: the server's binary, a throw-away PostgreSQL cluster, InfluxDB where it is
//! installed. Stores are kept in the folder for temporary files, so `TMPDIR` says on which disk.

mod bench;
mod columns;
mod curves;
mod delta;
mod disk;
mod error;
mod grown;
mod home;
mod hour;
mod influxdb;
mod machine;
mod memory;
mod options;
mod page;
mod part;
mod plot;
mod processes;
mod rates;
mod results;
mod server;
mod sessions;
mod sizes;
mod target;
mod written;

use std::fs;
use std::path::Path;

pub use error::ReportError;
pub use options::ReportOptions;
pub use part::{Part, Store};
pub use results::{Curve, Figure, Outcome, Results};
pub use target::{Limit, Target};

use bench::Bench;
use machine::Machine;

/// Name of the page in the folder that it is written into.
pub const PAGE_NAME: &str = "RESULTS.md";

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was measured.
    pub results: Results,
    /// The same as Markdown.
    pub page: String,
}

/// Measures what the options ask for, and writes it where they say; `command` is what the page calls the
/// command that was run. `progress` hears of what is about to be measured.
///
/// # Errors
/// Where something cannot be started, or does not do what it has to. Pushes that fail are counted in the
/// results instead.
pub async fn run(
    options: &ReportOptions,
    command: &str,
    progress: impl FnMut(String) + Send + 'static,
) -> Result<Report, ReportError> {
    let machine = Machine::look();
    let mut bench = Bench::new(options, Box::new(progress)).await?;
    let stores: Vec<Store> = options.stores().collect();
    for &store in &stores {
        rates::measure(&mut bench, store).await?;
        written::measure(&mut bench, store).await?;
        hour::measure(&mut bench, store).await?;
        delta::measure(&mut bench, store).await?;
        grown::measure(&mut bench, store).await?;
        memory::measure(&mut bench, store).await?;
        curves::measure(&mut bench, store).await?;
    }
    columns::measure(&mut bench, &stores);

    let page = page::write(
        &bench.results,
        &machine,
        command,
        bench.sizes.rounds,
        options.quick,
    );
    if let Some(folder) = &options.output {
        write(folder, &page, &bench.results)?;
    }
    Ok(Report {
        results: bench.results,
        page,
    })
}

fn write(folder: &Path, page: &str, results: &Results) -> Result<(), ReportError> {
    let plots = folder.join(page::PLOTS_FOLDER);
    fs::create_dir_all(&plots).map_err(ReportError::io(plots.display().to_string()))?;
    for (&part, curves) in &results.curves {
        let path = plots.join(plot::file_name(part));
        let drawing = plot::draw(part, curves);
        fs::write(&path, drawing).map_err(ReportError::io(path.display().to_string()))?;
    }
    let path = folder.join(PAGE_NAME);
    fs::write(&path, page).map_err(ReportError::io(path.display().to_string()))
}
