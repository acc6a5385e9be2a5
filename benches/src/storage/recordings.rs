//! What is pushed.

use std::path::PathBuf;
use std::sync::Arc;

use koodtx_core::push::PushBatch;

use crate::workload::{Body, Digits, Recording, SEED, session_id};

/// Samples of the synthetic hour: three sensors at 100 Hz, a position once a second.
const HOUR_SAMPLES: usize = 3_600 * 301;
/// Samples in a push of the synthetic hour.
const HOUR_PUSH_SAMPLES: usize = 1_000;
/// Real recordings, as push bodies one a line.
const REAL_RECORDINGS: [&str; 2] = ["basic_motions.jsonl", "gps_tracks.jsonl"];

/// Recordings to be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// The recordings that the examples upload: a smart watch and outdoor tracks.
    Real,
    /// An hour of three motion sensors at 100 Hz and a position once a second, in pushes of 1,000.
    Hour(Digits),
    /// The first so many samples of that hour, for tests.
    Part(usize),
}

impl Workload {
    /// What is measured where nobody says otherwise.
    pub const ALL: [Self; 3] = [
        Self::Real,
        Self::Hour(Digits::Decimal),
        Self::Hour(Digits::Single),
    ];

    /// A name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real recordings",
            Self::Hour(Digits::Decimal) => "hour, decimal",
            Self::Hour(Digits::Single) => "hour, single",
            Self::Part(_) => "part of an hour",
        }
    }

    /// The pushes, in order.
    ///
    /// # Errors
    /// What the file system says, with the file's name.
    ///
    /// # Panics
    /// If a body is no push, which none of them is.
    pub fn pushes(self) -> std::io::Result<Box<dyn Iterator<Item = Arc<PushBatch>> + Send>> {
        let parse = |text: &[u8]| Arc::new(PushBatch::parse(text).expect("a valid push"));
        let synthetic = |digits, samples: usize| {
            let mut recording = Recording::new(SEED, digits);
            let sizes = (0..samples.div_ceil(HOUR_PUSH_SAMPLES))
                .map(move |push| HOUR_PUSH_SAMPLES.min(samples - push * HOUR_PUSH_SAMPLES));
            sizes.map(move |size| parse(Body::new(session_id(1), &recording.samples(size)).text()))
        };
        Ok(match self {
            Self::Real => {
                let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
                let mut bodies = Vec::new();
                for name in REAL_RECORDINGS {
                    let path = folder.join(name);
                    let text = std::fs::read_to_string(&path).map_err(|error| {
                        std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                    })?;
                    bodies.extend(
                        text.lines()
                            .filter(|line| !line.is_empty())
                            .map(str::to_owned),
                    );
                }
                Box::new(bodies.into_iter().map(move |body| parse(body.as_bytes())))
            }
            Self::Hour(digits) => Box::new(synthetic(digits, HOUR_SAMPLES)),
            Self::Part(samples) => Box::new(synthetic(Digits::Decimal, samples)),
        })
    }
}
