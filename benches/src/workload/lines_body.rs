//! The same samples as points of InfluxDB's line protocol.

use std::fmt::Write;

use bytes::Bytes;
use koodtx_core::id::SessionId;

use super::columns_body::members;
use super::{Body, Sample};

impl Body {
    /// `samples` as one request of InfluxDB's line protocol, with times in milliseconds: a point a
    /// sample, whose measurement is the sensor, whose tag is the session, and whose fields are those of
    /// `data`.
    ///
    /// # Panics
    /// If no number of a sample has a decimal point.
    pub fn in_lines(session: SessionId, samples: &[Sample]) -> Self {
        let mut body = Self {
            text: Bytes::new(),
            sessions_at: Vec::with_capacity(samples.len()),
            samples_count: samples.len(),
            times: Vec::with_capacity(samples.len()),
            digits: Vec::with_capacity(samples.len()),
        };
        let mut text = String::with_capacity(samples.len() * 128);
        for sample in samples {
            let _ = write!(text, "{},session=", sample.sensor_type());
            body.sessions_at.push(text.len());
            // Writing to a string cannot fail.
            let _ = write!(text, "{session} ");
            let fields_at = text.len();
            for (index, (name, value)) in members(sample).into_iter().enumerate() {
                let separator = if index > 0 { "," } else { "" };
                let _ = write!(text, "{separator}{}={value}", name.trim_matches('"'));
            }
            let point = text[fields_at..].find('.');
            body.digits
                .push(fields_at + point.expect("a reading with a decimal point") + 1);
            text.push(' ');
            body.times.push((text.len(), sample.time_millis()));
            let _ = writeln!(text, "{}", sample.time_millis());
        }
        body.text = text.into();
        body
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::{Body, Digits, Recording, SEED, session_id};

    #[test]
    fn each_sample_is_a_line_that_varies_like_the_json() {
        let samples = Recording::new(SEED, Digits::Decimal).samples(302);
        let mut body = Body::in_lines(session_id(1), &samples);
        let text = String::from_utf8(body.text().to_vec()).unwrap();
        assert_eq!(text.lines().count(), samples.len());
        assert_eq!(body.samples_count(), samples.len());
        let first = &samples[0];
        let data: serde_json::Value = serde_json::from_str(first.data()).unwrap();
        let line = format!(
            "accelerometer,session={} x={:.4},y={:.4},z={:.4} {}",
            session_id(1),
            data["x"].as_f64().unwrap(),
            data["y"].as_f64().unwrap(),
            data["z"].as_f64().unwrap(),
            first.time_millis()
        );
        assert_eq!(text.lines().next(), Some(&*line));
        let position = text.lines().find(|line| line.starts_with("gps,")).unwrap();
        assert!(position.contains(",provider=\"gps\" "), "{position}");

        body.set_session(session_id(2));
        body.shift_times(86_400_000);
        let shifted = String::from_utf8(body.text().to_vec()).unwrap();
        for (new, old) in shifted.lines().zip(text.lines()) {
            let time = |line: &str| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap();
            assert_eq!(time(new), time(old) + 86_400_000);
            assert!(new.contains(&session_id(2).to_string()), "{new}");
        }
        (0..10).for_each(|_| body.change_values());
        body.set_session(session_id(1));
        body.shift_times(-86_400_000);
        assert_eq!(body.text(), text.as_bytes());
    }
}
