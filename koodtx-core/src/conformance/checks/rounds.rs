//! What a store remembers of a pull round.

use uuid::Uuid;

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure_eq};
use crate::conformance::script::{ANN, everything, session, session_id};
use crate::id::SignInId;
use crate::pull::{PageStart, PullQuery, RoundKey};
use crate::time::Timestamp;

const fn round(sign_in: u128, since: Option<Timestamp>, filter: u64) -> RoundKey {
    RoundKey {
        sign_in: SignInId(Uuid::from_u128(sign_in)),
        since,
        filter,
    }
}

const ROUND: RoundKey = round(1, None, 0);

async fn changed(h: &Harness, number: u128) -> Outcome<Timestamp> {
    Ok(h.push(ANN, &session(session_id(number)), &[]).await?.clock)
}

/// The clock of a page, and the clock remembered for its round.
async fn page(
    h: &Harness,
    key: RoundKey,
    start: PageStart,
) -> Outcome<(Timestamp, Option<Timestamp>)> {
    let query = PullQuery {
        since: key.since,
        start,
        limit: 1,
        round: Some(key),
        ..everything(ANN)
    };
    let head = h.pull(query).await?;
    Ok((head.clock, head.round_clock))
}

const FIRST: PageStart = PageStart::Offset(0);
const SECOND: PageStart = PageStart::Offset(1);

/// A later page returns the clock of its round's first page, so that the client does not skip what
/// changed in between.
pub(crate) async fn a_later_page_finds_the_clock_of_the_first(h: &Harness) -> Outcome {
    let first = changed(h, 1).await?;
    let before = changed(h, 2).await?;
    ensure_eq!(
        page(h, ROUND, FIRST).await?,
        (before, None),
        "clocks of the first page"
    );
    let after = changed(h, 3).await?;
    ensure_eq!(
        page(h, ROUND, SECOND).await?,
        (after, Some(before)),
        "clocks of the second page"
    );
    let behind = PageStart::After(first);
    ensure_eq!(
        page(h, ROUND, behind).await?,
        (after, Some(before)),
        "clocks behind a session"
    );
    ensure_eq!(
        page(h, ROUND, SECOND).await?,
        (after, Some(before)),
        "clocks of a repeated page"
    );
    Ok(())
}

/// Where several first pages were pulled, the earliest clock is the safe one.
pub(crate) async fn the_earliest_of_several_first_pages_counts(h: &Harness) -> Outcome {
    changed(h, 1).await?;
    let earliest = changed(h, 2).await?;
    page(h, ROUND, FIRST).await?;
    changed(h, 3).await?;
    page(h, ROUND, FIRST).await?;
    let (_, found) = page(h, ROUND, SECOND).await?;
    ensure_eq!(found, Some(earliest), "the clock found by a later page");
    Ok(())
}

/// Without a first page nothing is found: the service then answers `since` itself, which repeats
/// work and loses nothing.
pub(crate) async fn without_a_first_page_no_round_is_found(h: &Harness) -> Outcome {
    changed(h, 1).await?;
    changed(h, 2).await?;
    ensure_eq!(
        page(h, ROUND, SECOND).await?.1,
        None,
        "the clock found without a first page"
    );
    // A later page is not a first one.
    ensure_eq!(
        page(h, ROUND, SECOND).await?.1,
        None,
        "the clock found after a later page"
    );
    Ok(())
}

/// A first page that nothing follows begins no round that later pages could belong to: a device that
/// polled in vain must not be thrown back to that moment by the pages of a later round.
pub(crate) async fn a_page_without_a_successor_is_not_remembered(h: &Harness) -> Outcome {
    changed(h, 1).await?;
    page(h, ROUND, FIRST).await?;
    ensure_eq!(
        page(h, ROUND, SECOND).await?.1,
        None,
        "the clock found behind a page that had no successor"
    );
    changed(h, 2).await?;
    let clock = changed(h, 3).await?;
    page(h, ROUND, FIRST).await?;
    ensure_eq!(
        page(h, ROUND, SECOND).await?.1,
        Some(clock),
        "the clock of the first page that had a successor"
    );
    Ok(())
}

/// Rounds of another sign-in, another `since` or another filter are other rounds.
pub(crate) async fn other_rounds_do_not_interfere(h: &Harness) -> Outcome {
    changed(h, 1).await?;
    let clock = changed(h, 2).await?;
    page(h, ROUND, FIRST).await?;
    let others = [
        round(2, None, 0),
        round(1, Some(Timestamp::ZERO), 0),
        round(1, None, 1),
    ];
    for other in others {
        ensure_eq!(
            page(h, other, SECOND).await?.1,
            None,
            "the clock found for {other:?}"
        );
    }
    let mut expected = vec![clock];
    for (number, other) in (3..).zip(others) {
        expected.push(changed(h, number).await?);
        page(h, other, FIRST).await?;
    }
    for (key, clock) in [ROUND].into_iter().chain(others).zip(expected) {
        ensure_eq!(
            page(h, key, SECOND).await?.1,
            Some(clock),
            "the clock found for {key:?}"
        );
    }
    Ok(())
}
