//! The remembered first pages of pull rounds.

use crate::limits::ROUNDS_PER_SIGN_IN_MAX_COUNT;
use crate::pull::{RoundKey, is_round_fresh};
use crate::time::Timestamp;

/// The rounds of one user, bounded in number and age.
///
/// Forgetting one is safe: the device then pulls again from where it began.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    /// In the order in which they were remembered.
    first_pages: Vec<FirstPage>,
}

#[derive(Clone, Debug)]
struct FirstPage {
    round: RoundKey,
    /// The user clock that the page was read at.
    clock: Timestamp,
    /// When, by the wall clock.
    at: Timestamp,
}

impl Rounds {
    /// Remembers the clock of a first page, unless one is remembered: that is the earlier one, since
    /// the user clock never steps back.
    pub(super) fn remember(&mut self, round: RoundKey, clock: Timestamp, now: Timestamp) {
        self.first_pages.retain(|page| is_round_fresh(page.at, now));
        if self.clock(&round, now).is_some() {
            return;
        }
        let same_sign_in = |page: &FirstPage| page.round.sign_in == round.sign_in;
        let count = self
            .first_pages
            .iter()
            .filter(|page| same_sign_in(page))
            .count();
        if count >= ROUNDS_PER_SIGN_IN_MAX_COUNT
            && let Some(oldest) = self.first_pages.iter().position(same_sign_in)
        {
            self.first_pages.remove(oldest);
        }
        self.first_pages.push(FirstPage {
            round,
            clock,
            at: now,
        });
    }

    /// The clock remembered for a round.
    pub(super) fn clock(&self, round: &RoundKey, now: Timestamp) -> Option<Timestamp> {
        self.first_pages
            .iter()
            .find(|page| page.round == *round && is_round_fresh(page.at, now))
            .map(|page| page.clock)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::SignInId;
    use crate::limits::ROUND_MEMORY_MAX_MICROS;

    fn round(sign_in: u128, filter: u64) -> RoundKey {
        RoundKey {
            sign_in: SignInId(Uuid::from_u128(sign_in)),
            since: None,
            filter,
        }
    }

    const T: fn(i64) -> Timestamp = Timestamp::from_micros;

    #[test]
    fn the_earliest_first_page_is_kept_until_it_is_old() {
        let mut rounds = Rounds::default();
        rounds.remember(round(1, 0), T(10), T(100));
        rounds.remember(round(1, 0), T(20), T(200));
        assert_eq!(rounds.clock(&round(1, 0), T(200)), Some(T(10)));
        let old = T(100 + ROUND_MEMORY_MAX_MICROS);
        assert_eq!(rounds.clock(&round(1, 0), old), None);
        rounds.remember(round(1, 0), T(30), old);
        assert_eq!(rounds.clock(&round(1, 0), old), Some(T(30)));
    }

    #[test]
    fn one_sign_in_cannot_crowd_out_another() {
        let mut rounds = Rounds::default();
        rounds.remember(round(2, 0), T(5), T(0));
        for filter in 0..=ROUNDS_PER_SIGN_IN_MAX_COUNT as u64 {
            rounds.remember(round(1, filter), T(10), T(100));
        }
        assert_eq!(rounds.clock(&round(1, 0), T(100)), None);
        assert_eq!(rounds.clock(&round(1, 1), T(100)), Some(T(10)));
        assert_eq!(rounds.clock(&round(2, 0), T(100)), Some(T(5)));
        assert_eq!(rounds.first_pages.len(), ROUNDS_PER_SIGN_IN_MAX_COUNT + 1);
    }
}
