//! The bodies of one connection.

use koodtx_core::id::SessionId;
use uuid::Uuid;

use super::endpoint::Counts;
use super::{Form, LoadOptions, Mode};
use crate::workload::{Body, RECORDING_START_MILLIS, Recording, SEED, Sample};

/// Samples of the bodies that one connection holds, about. Bounds the memory of the run.
const HELD_SAMPLES: usize = 40_000;
/// Most bodies that one connection holds.
const HELD_BODIES_MAX_COUNT: usize = 64;
/// Between the end of the bodies and their next use, in milliseconds of the recording.
const PAUSE_MILLIS: i64 = 1_000;

/// A recording as a ring of bodies, each changed in place before it is sent again.
#[derive(Debug)]
pub(crate) struct Source {
    mode: Mode,
    bodies: Vec<Body>,
    next: usize,
    /// Whether each body was sent before.
    second_time: bool,
    /// What the ring covers, in milliseconds.
    span_millis: i64,
    session: SessionId,
    session_sent: u64,
    session_samples: u64,
}

impl Source {
    /// The bodies of the device with this number.
    pub(crate) fn new(options: &LoadOptions, number: u64) -> Self {
        let write = match options.form {
            Form::Records => Body::new,
            Form::Columns => Body::in_columns,
        };
        Self::written_by(write, options, number)
    }

    /// The same samples as lines.
    pub(crate) fn of_lines(options: &LoadOptions, number: u64) -> Self {
        Self::written_by(Body::in_lines, options, number)
    }

    fn written_by(
        write: fn(SessionId, &[Sample]) -> Body,
        options: &LoadOptions,
        number: u64,
    ) -> Self {
        let count = (HELD_SAMPLES / options.batch).clamp(1, HELD_BODIES_MAX_COUNT);
        let mut recording = Recording::new(SEED.wrapping_add(number), options.digits.into());
        let session = new_session();
        let mut last_millis = RECORDING_START_MILLIS;
        let bodies = (0..count)
            .map(|_| {
                let samples = recording.samples(options.batch);
                last_millis = samples.last().map_or(last_millis, Sample::time_millis);
                write(session, &samples)
            })
            .collect();
        Self {
            mode: options.mode,
            bodies,
            next: 0,
            second_time: false,
            span_millis: last_millis - RECORDING_START_MILLIS + PAUSE_MILLIS,
            session,
            session_sent: 0,
            session_samples: options.session_samples,
        }
    }

    /// What has to be stored before the run, if anything.
    pub(super) fn before(&mut self) -> &[Body] {
        match self.mode {
            Mode::Fresh => &[],
            Mode::Retry | Mode::Conflict => {
                self.second_time = true;
                &self.bodies
            }
        }
    }

    /// The next body to send.
    pub(super) fn next(&mut self) -> &Body {
        if self.next == self.bodies.len() {
            self.next = 0;
            self.second_time = true;
        }
        let body = &mut self.bodies[self.next];
        self.next += 1;
        match self.mode {
            Mode::Fresh => {
                if self.session_sent >= self.session_samples {
                    self.session = new_session();
                    self.session_sent = 0;
                }
                self.session_sent += body.samples_count() as u64;
                body.set_session(self.session);
                if self.second_time {
                    body.shift_times(self.span_millis);
                }
            }
            Mode::Conflict => body.change_values(),
            Mode::Retry => {}
        }
        body
    }

    /// Whether the server counted a push as this mode means it.
    pub(super) fn expects(&self, counts: Counts, samples: u64) -> bool {
        let of_mode = match self.mode {
            Mode::Fresh => counts.inserted,
            Mode::Retry => counts.duplicates,
            Mode::Conflict => counts.updated,
        };
        of_mode == samples
    }
}

fn new_session() -> SessionId {
    SessionId(Uuid::new_v4())
}
