//! The ways in which a push meets what is stored.

use koodtx_core::id::SessionId;

use super::{Body, Recording};

/// How the records of a push relate to those already stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// All behind what is stored: a device that records.
    Fresh,
    /// All stored already: a device that got no answer.
    Retry,
    /// All keys stored already, with other values: a device that corrects.
    Conflict,
    /// All in one gap before later records: a device that comes back online.
    Late,
    /// One between every [`SCATTER_STRIDE`] stored ones: the worst for anything that keeps runs.
    Scattered,
}

/// Of so many neighbouring samples the scattered push brings one.
pub const SCATTER_STRIDE: usize = 20;

/// One push to be measured, and what has to be pushed before it.
#[derive(Clone, Debug)]
pub struct Round {
    /// To be pushed first; `None` where nothing has to.
    pub before: Option<Body>,
    /// To be measured.
    pub push: Body,
}

impl Case {
    /// All cases.
    pub const ALL: [Self; 5] = [
        Self::Fresh,
        Self::Retry,
        Self::Conflict,
        Self::Late,
        Self::Scattered,
    ];

    /// A name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Retry => "retry",
            Self::Conflict => "conflict",
            Self::Late => "late",
            Self::Scattered => "scattered",
        }
    }

    /// A push of `count` samples out of the next part of a recording.
    pub fn round(self, recording: &mut Recording, session: SessionId, count: usize) -> Round {
        let body = |samples: &[_]| Body::new(session, samples);
        match self {
            Self::Fresh => Round {
                before: None,
                push: body(&recording.samples(count)),
            },
            Self::Retry => {
                let push = body(&recording.samples(count));
                Round {
                    before: Some(push.clone()),
                    push,
                }
            }
            Self::Conflict => {
                let before = body(&recording.samples(count));
                let mut push = before.clone();
                push.change_values();
                Round {
                    before: Some(before),
                    push,
                }
            }
            Self::Late => {
                let push = body(&recording.samples(count));
                Round {
                    before: Some(body(&recording.samples(count))),
                    push,
                }
            }
            Self::Scattered => {
                let samples = recording.samples(count * SCATTER_STRIDE);
                let (push, before): (Vec<_>, Vec<_>) = samples
                    .into_iter()
                    .enumerate()
                    .partition(|(index, _)| index % SCATTER_STRIDE == 10);
                let plain = |samples: Vec<(usize, _)>| {
                    samples
                        .into_iter()
                        .map(|(_, sample)| sample)
                        .collect::<Vec<_>>()
                };
                Round {
                    before: Some(body(&plain(before))),
                    push: body(&plain(push)),
                }
            }
        }
    }

    /// What a push of `count` records has to come to: inserted, updated, duplicates.
    pub fn expected(self, count: u64) -> (u64, u64, u64) {
        match self {
            Self::Fresh | Self::Late | Self::Scattered => (count, 0, 0),
            Self::Retry => (0, 0, count),
            Self::Conflict => (0, count, 0),
        }
    }
}
