//! Doubles as decimals of a few places.

/// The powers of ten that a decimal is divided by; a double holds each of them exactly.
pub(crate) const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];
/// Adding and subtracting it rounds a double to an integer, within ±[`SCALED_MAX`].
pub(crate) const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// 2^51.
const SCALED_MAX: f64 = 2_251_799_813_685_248.0;

/// The integer nearest to `value * power`, and whether its quotient by `power` is this very double.
///
/// A quotient of two doubles is the double nearest to the true quotient, as is the one that a
/// decimal is parsed to; so each decimal within reach is found.
#[inline]
pub(crate) fn rounded(value: f64, power: f64) -> (f64, bool) {
    let scaled = value * power;
    let integer = (scaled + ROUNDER) - ROUNDER;
    let is_equal = (integer / power).to_bits() == value.to_bits();
    (integer, (scaled.abs() < SCALED_MAX) & is_equal)
}
