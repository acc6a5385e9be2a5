//! What may be chosen.

use std::path::PathBuf;

use clap::Args;

use super::part::{Part, Store};

/// Options of a report.
#[derive(Clone, Debug, Default, Args)]
pub struct ReportOptions {
    /// Binary of the server, built with --release. Default: the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,

    /// Measure only these rows and plots, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,

    /// Measure only on this store.
    #[arg(long, value_enum, value_name = "STORE")]
    pub store: Option<Store>,

    /// Small sizes and short turns: shows in less than a minute that everything can be measured. The
    /// numbers say nothing.
    #[arg(long)]
    pub quick: bool,

    /// Folder to write RESULTS.md and plots/ into. Without it the page goes to standard output, and
    /// plots nowhere.
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

impl ReportOptions {
    /// Whether a part is to be measured.
    pub(super) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// The stores to be measured.
    pub(super) fn stores(&self) -> impl Iterator<Item = Store> + use<> {
        let only = self.store;
        let mut stores = Store::ALL.into_iter();
        std::iter::from_fn(move || stores.find(|&store| only.is_none_or(|only| only == store)))
    }
}
