//! A defect, and the checks that catch it.

use std::collections::BTreeSet;
use std::sync::Arc;

use koodtx_core::conformance::{Harness, Part, run_all};

use super::broken::{Broken, HONEST, Hooks};
use super::inner::Inner;

/// A broken store, and who must notice.
#[derive(Clone, Copy)]
pub struct Saboteur {
    /// The defect, in words.
    pub defect: &'static str,
    /// What it breaks.
    pub hooks: Hooks,
    /// What it breaks once the store was opened again.
    pub reopened: Hooks,
    /// The check that it is meant for, and then every other one that cannot but fail with it.
    pub caught_by: &'static [&'static str],
    /// Checks of races that may fail with it, or not, as the threads run.
    pub maybe: &'static [&'static str],
}

/// What most saboteurs have in common: they are predictable, and as bad after opening as before.
pub const fn saboteur(
    defect: &'static str,
    hooks: Hooks,
    caught_by: &'static [&'static str],
) -> Saboteur {
    Saboteur {
        defect,
        hooks,
        reopened: hooks,
        caught_by,
        maybe: &[],
    }
}

impl Saboteur {
    /// Names the checks of races that meet the defect only as the threads happen to run.
    pub const fn or_maybe_by(self, maybe: &'static [&'static str]) -> Self {
        Self { maybe, ..self }
    }
}

/// A saboteur that waits until the store is opened again.
pub const fn sleeper(
    defect: &'static str,
    reopened: Hooks,
    caught_by: &'static [&'static str],
) -> Saboteur {
    Saboteur {
        defect,
        hooks: HONEST,
        reopened,
        caught_by,
        maybe: &[],
    }
}

/// Checks in which threads race with pulls, so that they meet nearly any other defect now and then.
const RACING: [&str; 2] = [
    "a_device_beside_writers_misses_nothing",
    "a_push_is_seen_whole",
];
/// Runs that a check may take to catch what it is meant for: threads do not always meet.
const RUNS_MAX_COUNT: usize = 3;

/// Runs parts of the suite on a saboteur; returns what is wrong with who caught it, if anything.
pub async fn verdict(saboteur: &Saboteur, parts: &[Part]) -> Option<String> {
    let caught_by: BTreeSet<_> = saboteur.caught_by.iter().copied().collect();
    let maybe: BTreeSet<_> = saboteur.maybe.iter().copied().chain(RACING).collect();
    let mut wrong = None;
    for _ in 0..RUNS_MAX_COUNT {
        let report = run_all(parts, || std::future::ready(harness(saboteur))).await;
        let failed: BTreeSet<_> = report.failed.iter().map(|(name, _)| *name).collect();
        let missed: Vec<_> = caught_by.difference(&failed).collect();
        let beyond: Vec<_> = failed
            .iter()
            .filter(|name| !caught_by.contains(*name) && !maybe.contains(*name))
            .collect();
        if missed.is_empty() && beyond.is_empty() {
            return None;
        }
        wrong = Some(format!(
            "{}:\n  not caught by {missed:?}\n  also caught by {beyond:?}\n  of: {report}",
            saboteur.defect
        ));
        if !beyond.is_empty() {
            break;
        }
    }
    wrong
}

fn harness(saboteur: &Saboteur) -> Harness {
    let inner = Arc::new(Inner::default());
    let (again, reopened) = (inner.clone(), saboteur.reopened);
    Harness::new(Arc::new(Broken::over(inner, saboteur.hooks))).with_reopen(move || {
        let store = Arc::new(Broken::over(again.clone(), reopened));
        async move { Ok(store as _) }
    })
}
