//! The length of three-axis samples.

use koodtx_core::block::Columns;

use super::join::rows_with;

/// What the computed length is called among the fields. A real field of this name wins.
pub(super) const MAGNITUDE: &str = "magnitude";

/// The lengths √(x² + y² + z²) of the rows that have numbers in all of `x`, `y` and `z`.
pub(super) fn magnitudes(columns: &Columns) -> impl Iterator<Item = (usize, f64)> + '_ {
    rows_with(columns, ["x", "y", "z"])
        .into_iter()
        .flatten()
        .map(|(row, axes)| (row, length(axes)))
        // A length that no double holds is left out.
        .filter(|(_, length)| length.is_finite())
}

#[inline]
fn length([x, y, z]: [f64; 3]) -> f64 {
    let square = x * x + y * y + z * z;
    if square.is_normal() {
        square.sqrt()
    } else {
        // Zero, or squares beyond the range of a double.
        x.hypot(y).hypot(z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_do_not_overflow_early() {
        assert_eq!(length([2.0, 3.0, 6.0]), 7.0);
        assert_eq!(length([0.0; 3]), 0.0);
        for scale in [2.0_f64.powi(600), 2.0_f64.powi(-600)] {
            assert_eq!(length([3.0 * scale, 4.0 * scale, 0.0]), 5.0 * scale);
        }
    }
}
