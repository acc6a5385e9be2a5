//! Realistic recordings, the same in every run and on every machine.
//!
//! A phone records three motion sensors at 100 Hz and its position once a second. The sensors do
//! not tick evenly, readings wander instead of jumping, and numbers are printed as clients print
//! them: rounded to a few places, or a single-precision reading with all the digits that its double
//! has.

mod body;
mod case;
mod columns_body;
mod lines_body;
mod random;
mod recording;
mod sensor;

pub use body::Body;
pub use case::{Case, Round, SCATTER_STRIDE};
pub use random::Random;
pub use recording::{RECORDING_START_MILLIS, Recording, Sample};
pub use sensor::{Digits, MOTION_SENSORS_COUNT};

use koodtx_core::id::SessionId;

/// Sizes of a push that the benches measure, in samples.
pub const BODY_SIZES_SAMPLES: [usize; 4] = [100, 1_000, 5_000, 10_000];

/// Seed of everything that is measured.
pub const SEED: u64 = 0x006b_6f6f_6474_7821;

/// The session with this number; the same number always names the same session.
pub fn session_id(number: u64) -> SessionId {
    let mut random = Random::new(SEED ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let wide = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    SessionId(uuid::Builder::from_random_bytes(wide.to_be_bytes()).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_distinct_and_repeatable() {
        let ids: std::collections::BTreeSet<_> = (0..1_000).map(session_id).collect();
        assert_eq!(ids.len(), 1_000);
        assert_eq!(session_id(7), session_id(7));
    }
}
