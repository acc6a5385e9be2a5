//! What stores keep on disk, and write on the way, for each sample.
//!
//! Recordings are pushed as devices push them, into the embedded store, into PostgreSQL, and into a
//! plain table with one row a sample, as most services keep them.

mod layouts;
mod recordings;
mod report;
mod rows;

pub use layouts::{Layout, LayoutError, Written};
pub use recordings::Workload;
pub use report::{HEADING, Measurement, measure};

use koodtx_core::id::UserId;

/// Measures every workload in every layout, one after another, and hands out each result as it comes.
/// Without the URL of an empty, migrated database, only the embedded store.
///
/// # Errors
/// What a store or the file system says.
pub async fn run(
    postgres: Option<&str>,
    mut each: impl FnMut(Measurement),
) -> Result<(), LayoutError> {
    for (user, workload) in (1..).map(UserId).zip(Workload::ALL) {
        each(measure(workload, &Layout::sled()?, user).await?);
        if let Some(url) = postgres {
            each(measure(workload, &Layout::postgres(url).await?, user).await?);
            each(measure(workload, &Layout::rows(url).await?, user).await?);
        }
    }
    Ok(())
}
