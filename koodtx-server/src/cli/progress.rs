//! How far a long command has come.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use koodtx_core::transfer::Totals;

/// How often the bar is drawn, in milliseconds.
const DRAW_EVERY_MILLIS: u64 = 200;

/// A bar on standard error that counts records; nothing where nobody looks.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for about so many records.
    pub(super) fn new(what: &'static str, records: u64) -> Self {
        let bar = ProgressBar::new(records);
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template(
            "{msg} [{bar:40}] {human_pos}/{human_len} records, {per_sec}, {eta} left",
        );
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(DRAW_EVERY_MILLIS));
        Self(bar)
    }

    /// So much has gone by.
    pub(super) fn reach(&self, totals: &Totals) {
        self.0.set_position(totals.records);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
