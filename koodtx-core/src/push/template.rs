//! The shape that the records of one series share, so that only their numbers have to be scanned.
//!
//! A client writes every sample of a sensor with the same keys in the same order and with the same
//! white space. Once one record was read the general way, the texts between its numbers are known,
//! and the next record is a few comparisons of literals and the numbers themselves. A record of any
//! other shape is read the general way; nothing but speed depends on a template.

use super::literal::Literal;
use crate::json::plain::Reading;
use crate::json::scanner::{Scanner, SyntaxError};
use crate::limits::RECORD_DATA_MAX_BYTES;

/// What a number of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The `timestamp`.
    Time,
    /// The field of `data` that was met as the n-th.
    Field(usize),
}

/// The texts of a record around its numbers.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// For each number what it is and the text before it.
    slots: Vec<(Literal, Slot)>,
    /// The text behind the last number, with the closing brace.
    end: Literal,
}

impl Template {
    /// Learns from a record that was read the general way and accepted; `None` where it holds
    /// anything but a sensor type, a timestamp and numbers with different names.
    ///
    /// Returns the names of the fields as well, in the order of [`Slot::Field`].
    pub(super) fn learn(record: &str) -> Option<(Self, Vec<&str>)> {
        let mut learner = Learner {
            record,
            from: 0,
            slots: Vec::new(),
            names: Vec::new(),
        };
        let mut scanner = Scanner::new(record);
        learner.record(&mut scanner).ok()??;
        let mut members: Vec<&str> = learner.names.clone();
        members.sort_unstable();
        members.dedup();
        let times = learner
            .slots
            .iter()
            .filter(|(_, slot)| *slot == Slot::Time)
            .count();
        if members.len() < learner.names.len() || times != 1 {
            return None;
        }
        let end = Literal::new(&record[learner.from..]);
        Some((
            Self {
                slots: learner.slots,
                end,
            },
            learner.names,
        ))
    }

    /// Whether the record at the scanner begins like this one.
    #[inline]
    pub(super) fn begins(&self, scanner: &Scanner<'_>) -> bool {
        self.slots
            .first()
            .is_some_and(|(before, _)| before.comes_next(scanner))
    }

    /// Reads the record at the scanner, for which [`Self::begins`] holds: calls `put` with each
    /// field's double and returns the time in microseconds. `None` where the record has another shape,
    /// or a value that only the general way can judge; what was put then has to be taken back.
    #[inline]
    pub(super) fn read(
        &self,
        scanner: &mut Scanner<'_>,
        mut put: impl FnMut(usize, f64),
    ) -> Option<i64> {
        let start = scanner.at;
        let mut time = None;
        for (before, slot) in &self.slots {
            if scanner.at == start {
                // `begins` has compared it.
                scanner.at += before.len();
            } else {
                before.take(scanner)?;
            }
            match slot {
                Slot::Time => time = Some(scanner.millis().ok()??),
                Slot::Field(index) => {
                    let Reading::Double(double) = scanner.reading().ok()?? else {
                        return None;
                    };
                    put(*index, double);
                }
            }
        }
        self.end.take(scanner)?;
        (scanner.at - start <= RECORD_DATA_MAX_BYTES).then_some(time?)
    }
}

struct Learner<'a> {
    record: &'a str,
    /// Where the text behind the last number begins.
    from: usize,
    slots: Vec<(Literal, Slot)>,
    names: Vec<&'a str>,
}

impl<'a> Learner<'a> {
    /// `Ok(None)` where the record is valid and not of the kind that has a template.
    fn record(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<()>, SyntaxError> {
        let (mut sensor_types, mut data) = (0, 0);
        scanner.expect(b'{', "an object")?;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            match key.raw {
                "sensor_type" => {
                    scanner.string()?;
                    sensor_types += 1;
                }
                "timestamp" => self.number(scanner, Slot::Time)?,
                "data" if scanner.peek() == b'{' => {
                    data += 1;
                    scanner.take(b'{');
                    let mut first = true;
                    while let Some(key) = scanner.next_key(&mut first)? {
                        if key.escaped {
                            return Ok(None);
                        }
                        self.number(scanner, Slot::Field(self.names.len()))?;
                        self.names.push(key.raw);
                    }
                }
                _ => return Ok(None),
            }
        }
        Ok((sensor_types == 1 && data == 1).then_some(()))
    }

    fn number(&mut self, scanner: &mut Scanner<'a>, slot: Slot) -> Result<(), SyntaxError> {
        scanner.peek();
        let before = Literal::new(&self.record[self.from..scanner.at]);
        scanner.number()?;
        self.from = scanner.at;
        self.slots.push((before, slot));
        Ok(())
    }
}
