//! The narrowest type that holds a column of numbers exactly.

/// Most decimal places that [`Narrowed::Decimal`] has.
const PLACES_MAX_COUNT: u8 = 9;

/// 10 to the power of each number of places; each is exact.
const POWERS: [f64; PLACES_MAX_COUNT as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// How a column is kept. Whichever it is, the very same doubles come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As integers: the values times 10 to this many places.
    Decimal(u8),
    /// In single precision.
    Single,
    /// As they are.
    Double,
}

/// The narrowest form of `values`.
pub(super) fn form_of(values: &[f64]) -> Form {
    if let Some(places) = places_of(values) {
        Form::Decimal(places)
    } else if values
        .iter()
        .all(|&value| f64::from(value as f32).to_bits() == value.to_bits())
    {
        Form::Single
    } else {
        Form::Double
    }
}

/// The fewest places at which every value is a decimal that fits an integer of four bytes.
fn places_of(values: &[f64]) -> Option<u8> {
    let mut places = 0;
    let mut largest: f64 = 0.0;
    for &value in values {
        // What is exact at some places is so at more, so nobody has to be asked again.
        while !is_decimal(value, places) {
            places += 1;
            if places > PLACES_MAX_COUNT {
                return None;
            }
        }
        largest = largest.max(value.abs());
    }
    let fits = (largest * POWERS[usize::from(places)]).round() <= f64::from(i32::MAX);
    fits.then_some(places)
}

/// Whether the nearest decimal of so many places is the value, bit for bit.
fn is_decimal(value: f64, places: u8) -> bool {
    let power = POWERS[usize::from(places)];
    let scaled = (value * power).round();
    // The sum turns -0 into 0, which an integer would.
    scaled.abs() <= f64::from(i32::MAX) && ((scaled + 0.0) / power).to_bits() == value.to_bits()
}

/// A value as an integer; `places` are those of its column.
pub(super) fn to_decimal(value: f64, places: u8) -> i32 {
    (value * POWERS[usize::from(places)]).round() as i32
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
        let back: Vec<f64> = match form_of(values) {
            Form::Decimal(places) => {
                let decimals: Vec<i32> = values
                    .iter()
                    .map(|&value| to_decimal(value, places))
                    .collect();
                from_decimals(&decimals, i16::from(places))
                    .unwrap()
                    .collect()
            }
            Form::Single => values
                .iter()
                .map(|&value| f64::from(value as f32))
                .collect(),
            Form::Double => values.to_vec(),
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
            prop_assert!(matches!(form_of(&values), Form::Decimal(places) if places <= 4));
        }
    }

    #[test]
    fn the_narrowest_form_is_found() {
        assert_eq!(form_of(&[1.0, -2.0]), Form::Decimal(0));
        assert_eq!(form_of(&[1.5, 0.25]), Form::Decimal(2));
        assert_eq!(form_of(&[-0.0, 1.0]), Form::Single);
        assert_eq!(form_of(&[f64::from(0.1_f32)]), Form::Single);
        assert_eq!(form_of(&[1.0 / 3.0]), Form::Double);
        // Each is a decimal, and together they are too long.
        assert_eq!(form_of(&[0.000_000_1, 1_000_000.0]), Form::Double);
    }
}
