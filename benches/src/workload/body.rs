//! Push bodies, ready to send, that can be varied in place.

use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use koodtx_core::id::SessionId;
use koodtx_core::time::Timestamp;

use super::recording::{RECORDING_START_MILLIS, Sample};

/// Digits of a time in milliseconds: until the year 2286.
pub(super) const TIME_DIGITS_COUNT: usize = 13;
/// The last of them, which hold ten seconds: times that follow each other share the others.
const TIME_LAST_DIGITS_COUNT: usize = 4;
const TIME_LAST_MILLIS: i64 = 10_i64.pow(TIME_LAST_DIGITS_COUNT as u32);
/// Characters of a session id.
const SESSION_ID_CHARS: usize = 36;

/// The JSON of a push, or another form of the same samples.
///
/// Making one takes longer than a server takes to store it. So whoever measures a server makes a
/// few beforehand, and then changes only ids, times and digits where they stand.
#[derive(Clone, Debug)]
pub struct Body {
    pub(super) text: Bytes,
    /// Where the session's id stands; once in JSON.
    pub(super) sessions_at: Vec<usize>,
    pub(super) samples_count: usize,
    /// Where each time stands that is written out, and which it is.
    pub(super) times: Vec<(usize, i64)>,
    /// Where one decimal digit of each sample stands.
    pub(super) digits: Vec<usize>,
}

/// The beginning of a body, up to and with the comma behind the session, and where the session's id
/// stands.
pub(super) fn begin(session: SessionId, samples_bytes: usize) -> (String, usize) {
    let mut text = String::with_capacity(samples_bytes + 256);
    text.push_str("{\"session\":{\"session_id\":\"");
    let session_at = text.len();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{session}\",\"start_time\":\"{}\",\"is_active\":true,\"enabled_sensors\":[\
         \"accelerometer\",\"gyroscope\",\"magnetometer\",\"gps\"],\"sample_rate\":100}},",
        Timestamp::from_millis(RECORDING_START_MILLIS),
    );
    (text, session_at)
}

impl Body {
    /// The push of `samples` into a session, as a client without white space writes it.
    ///
    /// # Panics
    /// If a time has not 13 digits, or no number of a sample has a decimal point.
    pub fn new(session: SessionId, samples: &[Sample]) -> Self {
        let (mut text, session_at) = begin(session, samples.len() * 128);
        text.push_str("\"sensor_data\":[");
        let (mut times, mut digits) = (Vec::new(), Vec::new());
        for (index, sample) in samples.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let _ = write!(
                text,
                "{{\"sensor_type\":\"{}\",\"timestamp\":",
                sample.sensor_type()
            );
            times.push((text.len(), sample.time_millis()));
            // Writing to a string cannot fail.
            let _ = write!(text, "{},\"data\":", sample.time_millis());
            assert_eq!(
                text.len() - times[index].0,
                TIME_DIGITS_COUNT + ",\"data\":".len()
            );
            let point = sample
                .data()
                .find('.')
                .expect("a reading with a decimal point");
            digits.push(text.len() + point + 1);
            let _ = write!(text, "{}}}", sample.data());
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

    /// The text as it is sent.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The text, to be sent. As long as this is held, varying the body copies it.
    pub fn to_send(&self) -> Bytes {
        self.text.clone()
    }

    /// Samples in it.
    pub fn samples_count(&self) -> usize {
        self.samples_count
    }

    /// Moves the push to another session.
    pub fn set_session(&mut self, session: SessionId) {
        let mut buffer = [0; SESSION_ID_CHARS];
        let id = session.0.as_hyphenated().encode_lower(&mut buffer);
        let mut text = take(&mut self.text);
        for &at in &self.sessions_at {
            text[at..at + SESSION_ID_CHARS].copy_from_slice(id.as_bytes());
        }
        self.text = text.freeze();
    }

    /// Moves all samples in time.
    pub fn shift_times(&mut self, millis: i64) {
        const FIRST: usize = TIME_DIGITS_COUNT - TIME_LAST_DIGITS_COUNT;
        let mut text = take(&mut self.text);
        let (mut last_begin, mut begin) = (None, [0; FIRST]);
        for (at, time) in &mut self.times {
            *time += millis;
            let (first, rest) = (*time / TIME_LAST_MILLIS, *time % TIME_LAST_MILLIS);
            if last_begin != Some(first) {
                (last_begin, begin) = (Some(first), digits(first));
            }
            let digits_at = &mut text[*at..*at + TIME_DIGITS_COUNT];
            digits_at[..FIRST].copy_from_slice(&begin);
            digits_at[FIRST..].copy_from_slice(&digits::<TIME_LAST_DIGITS_COUNT>(rest));
        }
        self.text = text.freeze();
    }

    /// Gives every sample another value; after ten times the values are the first ones again.
    pub fn change_values(&mut self) {
        let mut text = take(&mut self.text);
        for &at in &self.digits {
            text[at] = b'0' + (text[at] - b'0' + 1) % 10;
        }
        self.text = text.freeze();
    }
}

/// The text, to be changed in place; a copy of it where it is still being sent.
fn take(text: &mut Bytes) -> BytesMut {
    let text = std::mem::take(text);
    text.try_into_mut()
        .unwrap_or_else(|sent| BytesMut::from(&*sent))
}

/// The last `COUNT` decimal digits of a number.
fn digits<const COUNT: usize>(number: i64) -> [u8; COUNT] {
    let mut rest = number as u64;
    let mut digits = [0; COUNT];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use koodtx_core::push::PushBatch;

    use super::*;
    use crate::workload::{BODY_SIZES_SAMPLES, Digits, Recording, SEED, session_id};

    #[test]
    fn every_size_parses_without_a_refused_record() {
        for digits in [Digits::Decimal, Digits::Single] {
            let mut recording = Recording::new(SEED, digits);
            for samples in BODY_SIZES_SAMPLES {
                let body = Body::new(session_id(1), &recording.samples(samples));
                let batch = PushBatch::parse(body.text()).unwrap();
                assert_eq!(
                    (batch.total_records, batch.errors, batch.replaced),
                    (samples as u64, 0, 0)
                );
                assert_eq!(batch.session.session_id, session_id(1));
                assert_eq!(body.samples_count(), samples);
            }
        }
    }

    #[test]
    fn varying_a_body_in_place_equals_writing_another() {
        let mut samples = Recording::new(SEED, Digits::Single).samples(500);
        let mut body = Body::new(session_id(1), &samples);
        let before = PushBatch::parse(body.text()).unwrap();
        body.set_session(session_id(2));
        body.shift_times(86_400_000);
        body.change_values();

        let batch = PushBatch::parse(body.text()).unwrap();
        assert_eq!(batch.session.session_id, session_id(2));
        for (new, old) in batch.series.iter().zip(&before.series) {
            assert_eq!(new.records.len(), old.records.len());
            for row in 0..old.records.len() {
                assert_eq!(
                    new.records.time(row),
                    old.records.time(row).plus_micros(86_400_000_000)
                );
                assert_ne!(new.records.data(row), old.records.data(row));
            }
        }

        body.set_session(session_id(1));
        body.shift_times(-86_400_000);
        (0..9).for_each(|_| body.change_values());
        assert_eq!(body.text(), Body::new(session_id(1), &samples).text());
        let sent = body.to_send();
        body.change_values();
        assert_eq!(sent, Body::new(session_id(1), &samples).text());
        assert_ne!(body.text(), sent);
        samples.pop();
        assert_ne!(body.text(), Body::new(session_id(1), &samples).text());
    }
}
