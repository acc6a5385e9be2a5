//! Push bodies in the columnar form.

use std::fmt::Write;

use koodtx_core::id::SessionId;

use super::body::{TIME_DIGITS_COUNT, begin};
use super::{Body, Sample};

impl Body {
    /// The push of `samples` in the columnar form, one group a sensor, without white space.
    ///
    /// # Panics
    /// If the first time of a sensor has not 13 digits, or no field of a sensor has a decimal point.
    pub fn in_columns(session: SessionId, samples: &[Sample]) -> Self {
        let (mut text, session_at) = begin(session, samples.len() * 64);
        text.push_str("\"columns\":[");
        let (mut times, mut digits) = (Vec::new(), Vec::new());
        for (index, group) in by_sensor(samples).into_iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            let (sensor, first) = (group[0].sensor_type(), group[0].time_millis());
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{separator}{{\"sensor_type\":\"{sensor}\",\"timestamp\":{{\"first\":"
            );
            times.push((text.len(), first));
            let _ = write!(text, "{first}");
            assert_eq!(text.len() - times[index].0, TIME_DIGITS_COUNT);
            text.push_str(",\"steps\":[");
            for pair in group.windows(2) {
                let step = pair[1].time_millis() - pair[0].time_millis();
                let _ = write!(text, "{step},");
            }
            if group.len() > 1 {
                text.pop();
            }
            text.push_str("]},\"data\":{");
            write_fields(&mut text, &group, &mut digits);
            text.push_str("}}");
        }
        text.push_str("]}");
        Self {
            text: text.into(),
            sessions_at: vec![session_at],
            samples_count: samples.len(),
            times,
            digits,
        }
    }
}

/// The samples of each sensor, sensors in the order in which they come.
fn by_sensor(samples: &[Sample]) -> Vec<Vec<&Sample>> {
    let mut groups: Vec<Vec<&Sample>> = Vec::new();
    for sample in samples {
        let sensor = sample.sensor_type();
        match groups
            .iter_mut()
            .find(|group| group[0].sensor_type() == sensor)
        {
            Some(group) => group.push(sample),
            None => groups.push(vec![sample]),
        }
    }
    groups
}

/// Writes the fields of a group, and notes where a decimal digit of each row stands.
fn write_fields(text: &mut String, group: &[&Sample], digits: &mut Vec<usize>) {
    let rows: Vec<Vec<(&str, &str)>> = group.iter().map(|sample| members(sample)).collect();
    for (field, (name, _)) in rows[0].iter().enumerate() {
        let separator = if field > 0 { "," } else { "" };
        let _ = write!(text, "{separator}{name}:[");
        for (row, members) in rows.iter().enumerate() {
            let value = members[field].1;
            if field == 0 {
                let point = value.find('.').expect("a reading with a decimal point");
                digits.push(text.len() + usize::from(row > 0) + point + 1);
            }
            let separator = if row > 0 { "," } else { "" };
            let _ = write!(text, "{separator}{value}");
        }
        text.push(']');
    }
}

/// The members of a sample's `data`, whose values are numbers and plain texts.
pub(super) fn members(sample: &Sample) -> Vec<(&str, &str)> {
    let data = sample.data().trim_matches(['{', '}']);
    data.split(',')
        .filter_map(|member| member.split_once(':'))
        .collect()
}

#[cfg(test)]
mod tests {
    use koodtx_core::push::PushBatch;

    use crate::workload::{BODY_SIZES_SAMPLES, Body, Digits, Recording, SEED, session_id};

    #[test]
    fn both_forms_are_the_same_push_and_vary_alike() {
        for digits in [Digits::Decimal, Digits::Single] {
            let mut recording = Recording::new(SEED, digits);
            for samples in BODY_SIZES_SAMPLES {
                let samples = recording.samples(samples);
                let mut bodies = [
                    Body::new(session_id(1), &samples),
                    Body::in_columns(session_id(1), &samples),
                ];
                for round in 0..3 {
                    let [documented, columns] = &bodies;
                    assert_eq!(documented.samples_count(), columns.samples_count());
                    assert_eq!(
                        PushBatch::parse_columns(columns.text()).unwrap(),
                        PushBatch::parse(documented.text()).unwrap()
                    );
                    for body in &mut bodies {
                        body.set_session(session_id(round));
                        body.shift_times(86_400_000);
                        body.change_values();
                    }
                }
            }
        }
    }
}
