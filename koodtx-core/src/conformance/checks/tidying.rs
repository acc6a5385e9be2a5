//! Tidying up.

use super::transfer_script::{fill, items};
use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure};
use crate::conformance::script::{ANN, BEN};

/// Tidying up changes nothing that anybody could see, and says what it did.
pub(crate) async fn optimising_changes_nothing(h: &Harness) -> Outcome {
    fill(h).await?;
    let before = (items(h, ANN).await?, items(h, BEN).await?);
    let done = h.maintenance()?.optimise(h.now()).await?;
    ensure!(!done.is_empty(), "it does not say what it did");
    let after = (items(h, ANN).await?, items(h, BEN).await?);
    ensure!(after == before, "what is stored is not the same");
    Ok(())
}
