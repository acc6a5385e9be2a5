//! The narrowest type that holds a column of numbers exactly.

/// Most decimal places of a [`Narrowed::Decimal`].
const PLACES_MAX_COUNT: usize = 9;

/// 10 to the power of each number of places; each is exact.
const POWERS: [f64; PLACES_MAX_COUNT + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Adding and subtracting it rounds a double to an integer, within ±2^51: no call, and several at once.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Values by which the number of places is guessed.
const FIRST_COUNT: usize = 16;

/// A column in the narrowest type. Whichever it is, the very same doubles come back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Narrowed {
    /// The values times 10 to this many places.
    Decimal(u8, Vec<i32>),
    /// In single precision.
    Single(Vec<f32>),
    /// As they are.
    Double,
}

/// `values` in the narrowest type.
pub(super) fn narrowed(values: &[f64]) -> Narrowed {
    if let Some((places, decimals)) = decimals(values) {
        return Narrowed::Decimal(places, decimals);
    }
    let single = |value: f64| value as f32;
    if values
        .iter()
        .all(|&value| f64::from(single(value)).to_bits() == value.to_bits())
    {
        Narrowed::Single(values.iter().map(|&value| single(value)).collect())
    } else {
        Narrowed::Double
    }
}

/// The fewest places at which every value is a decimal that fits an integer of four bytes, and these integers.
fn decimals(values: &[f64]) -> Option<(u8, Vec<i32>)> {
    let mut places = 0;
    for &value in &values[..values.len().min(FIRST_COUNT)] {
        // What is exact at some places is so at more, unless it does not fit any more.
        while !rounded(value, POWERS[places]).1 {
            places += 1;
            if places == POWERS.len() {
                return None;
            }
        }
    }
    POWERS[places..]
        .iter()
        .zip(places..)
        .find_map(|(&power, places)| {
            let mut are_exact = true;
            let decimals = values
                .iter()
                .map(|&value| {
                    let (decimal, is_exact) = rounded(value, power);
                    are_exact &= is_exact;
                    decimal
                })
                .collect();
            are_exact.then_some((places as u8, decimals))
        })
}

/// The decimal nearest to `value * power`, and whether it is the value, bit for bit.
///
/// A quotient of two doubles is the double nearest to the true quotient, as is the one that a decimal is parsed to.
#[inline]
fn rounded(value: f64, power: f64) -> (i32, bool) {
    let rounded = (value * power + ROUNDER) - ROUNDER;
    // Too large a value ends at the largest integer, which it is not then.
    let decimal = rounded as i32;
    (
        decimal,
        (f64::from(decimal) / power).to_bits() == value.to_bits(),
    )
}

/// The value that an integer stands for; `None` where nobody writes so many places.
pub(super) fn from_decimals(
    decimals: &[i32],
    places: i16,
) -> Option<impl Iterator<Item = f64> + use<'_>> {
    let power = *POWERS.get(usize::try_from(places).ok()?)?;
    Some(
        decimals
            .iter()
            .map(move |&decimal| f64::from(decimal) / power),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(values: &[f64]) -> Vec<u64> {
        let back: Vec<f64> = match narrowed(values) {
            Narrowed::Decimal(places, decimals) => from_decimals(&decimals, i16::from(places))
                .unwrap()
                .collect(),
            Narrowed::Single(singles) => singles.into_iter().map(f64::from).collect(),
            Narrowed::Double => values.to_vec(),
        };
        back.into_iter().map(f64::to_bits).collect()
    }

    fn decimal() -> impl Strategy<Value = f64> {
        (any::<i32>(), 0..12_i32)
            .prop_map(|(digits, places)| format!("{digits}e-{places}").parse().unwrap())
    }

    proptest! {
        #[test]
        fn every_double_comes_back(values in prop::collection::vec(
            prop_oneof![
                any::<f64>(), decimal(), any::<f32>().prop_map(f64::from),
                Just(-0.0), Just(2_147_483_647.0), Just(-2_147_483_648.0), Just(0.3),
            ],
            0..20,
        )) {
            prop_assume!(values.iter().all(|value| value.is_finite()));
            let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(there_and_back(&values), bits);
        }

        #[test]
        fn short_decimals_are_integers(digits in prop::collection::vec(-99_999_i32..99_999, 1..20)) {
            let values: Vec<f64> = digits.iter().map(|&digit| f64::from(digit) / 1e4).collect();
            prop_assert!(matches!(narrowed(&values), Narrowed::Decimal(places, _) if places <= 4));
        }
    }

    #[test]
    fn the_narrowest_form_is_found() {
        let decimals = |places, decimals: &[i32]| Narrowed::Decimal(places, decimals.to_vec());
        assert_eq!(narrowed(&[1.0, -2.0]), decimals(0, &[1, -2]));
        assert_eq!(narrowed(&[1.5, 0.25]), decimals(2, &[150, 25]));
        let mut late = vec![1.0; FIRST_COUNT];
        late.push(0.125);
        assert!(matches!(narrowed(&late), Narrowed::Decimal(3, _)));
        assert_eq!(narrowed(&[-0.0, 1.0]), Narrowed::Single(vec![-0.0, 1.0]));
        assert_eq!(narrowed(&[f64::from(0.1_f32)]), Narrowed::Single(vec![0.1]));
        assert_eq!(narrowed(&[1.0 / 3.0]), Narrowed::Double);
        // Each is a decimal, and together they are too long.
        assert_eq!(narrowed(&[0.000_000_1, 1_000_000.0]), Narrowed::Double);
        for far in [i32::MAX, i32::MIN] {
            assert_eq!(narrowed(&[f64::from(far)]), decimals(0, &[far]));
            assert_eq!(narrowed(&[f64::from(far) * 3.0 + 0.5]), Narrowed::Double);
        }
    }
}
