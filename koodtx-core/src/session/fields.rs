//! The mutable metadata of a session as one last-write-wins register per field.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::SessionPatch;
use crate::register::{Effect, Register, Stamp};
use crate::time::Timestamp;

/// Samples per second: a finite number above 0, in Hz.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SampleRate(f64);

impl SampleRate {
    /// Takes a rate in Hz, if it is finite and above 0.
    pub fn new(hertz: f64) -> Option<Self> {
        (hertz.is_finite() && hertz > 0.0).then_some(Self(hertz))
    }

    /// The rate in Hz.
    pub fn hertz(self) -> f64 {
        self.0
    }
}

impl Ord for SampleRate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for SampleRate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SampleRate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SampleRate {}

/// The metadata of a session, field by field; `None` stands for a field that no push has written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFields {
    /// When the recording began. Every push writes it, so only a tombstone lacks it.
    pub start_time: Option<Register<Timestamp>>,
    /// When the recording ended; the value `None` is an explicit `null`.
    pub end_time: Option<Register<Option<Timestamp>>>,
    /// Whether the device is still recording.
    pub is_active: Option<Register<bool>>,
    /// Which sensors the client meant to record.
    pub enabled_sensors: Option<Register<Vec<String>>>,
    /// The nominal sample rate.
    pub sample_rate: Option<Register<SampleRate>>,
    /// Free text; the value `None` is an explicit `null`.
    pub notes: Option<Register<Option<String>>>,
}

impl SessionFields {
    /// Writes what a push says, field by field, and returns the strongest effect.
    pub fn write(&mut self, patch: &SessionPatch, stamp: Stamp) -> Effect {
        fn set<T: Ord + Clone>(
            slot: &mut Option<Register<T>>,
            value: Option<&T>,
            stamp: Stamp,
        ) -> Effect {
            value.map_or(Effect::Kept, |value| {
                Register::write(slot, value.clone(), stamp)
            })
        }
        // An end without a word on activity ends the session.
        let ends = matches!(patch.end_time, Some(Some(_))).then_some(false);
        let is_active = patch.is_active.or(ends);
        set(&mut self.start_time, Some(&patch.start_time), stamp)
            .max(set(&mut self.end_time, patch.end_time.as_ref(), stamp))
            .max(set(&mut self.is_active, is_active.as_ref(), stamp))
            .max(set(
                &mut self.enabled_sensors,
                patch.enabled_sensors.as_ref(),
                stamp,
            ))
            .max(set(
                &mut self.sample_rate,
                patch.sample_rate.as_ref(),
                stamp,
            ))
            .max(set(&mut self.notes, patch.notes.as_ref(), stamp))
    }

    /// The merge of two replicas, field by field: commutative, associative and idempotent.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        fn join<T: Ord>(
            left: Option<Register<T>>,
            right: Option<Register<T>>,
        ) -> Option<Register<T>> {
            match (left, right) {
                (Some(left), Some(right)) => Some(left.join(right)),
                (left, right) => left.or(right),
            }
        }
        Self {
            start_time: join(self.start_time, other.start_time),
            end_time: join(self.end_time, other.end_time),
            is_active: join(self.is_active, other.is_active),
            enabled_sensors: join(self.enabled_sensors, other.enabled_sensors),
            sample_rate: join(self.sample_rate, other.sample_rate),
            notes: join(self.notes, other.notes),
        }
    }

    /// When the recording began; the epoch for a tombstone, which has no metadata.
    pub fn start_time(&self) -> Timestamp {
        self.start_time
            .as_ref()
            .map_or(Timestamp::ZERO, |register| register.value)
    }

    /// When the recording ended, if it did.
    pub fn end_time(&self) -> Option<Timestamp> {
        self.end_time.as_ref().and_then(|register| register.value)
    }

    /// Whether the device is still recording: as written, else until there is an end.
    pub fn is_active(&self) -> bool {
        self.is_active
            .as_ref()
            .map_or_else(|| self.end_time().is_none(), |register| register.value)
    }

    /// Which sensors the client meant to record.
    pub fn enabled_sensors(&self) -> &[String] {
        self.enabled_sensors
            .as_ref()
            .map_or(&[], |register| &register.value)
    }

    /// The nominal sample rate in Hz, if a client said one.
    pub fn sample_rate(&self) -> Option<f64> {
        self.sample_rate
            .as_ref()
            .map(|register| register.value.hertz())
    }

    /// Free text, if there is any.
    pub fn notes(&self) -> Option<&str> {
        self.notes
            .as_ref()
            .and_then(|register| register.value.as_deref())
    }
}
