//! Comparing what two stores hold, value by value.

use std::fmt;

use super::{Totals, TransferError, Users};
use crate::block::{Block, Record};
use crate::id::{SensorType, SessionId, UserId};
use crate::json::canonical_text;
use crate::session::SessionState;
use crate::store::{StoreError, TransferItem, TransferStore, UserExport};

/// Something in which two stores differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose it is.
    pub user: UserId,
    /// The session, where it is about one.
    pub session: Option<SessionId>,
    /// What differs, for an operator. Holds no secrets and no samples.
    pub message: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}", self.user)?;
        if let Some(session) = self.session {
            write!(f, ", session {session}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Compares two stores, neither of which is written to meanwhile; `progress` hears of the totals of the
/// first as they grow. Of each user the first difference is reported.
///
/// Everything counts that is copied: registers, stamps, clocks, ids, tombstones, log entries, hashes. How
/// records are cut into blocks does not.
///
/// # Errors
/// What either store says: of the first as the source, of the second as the target.
pub async fn compare(
    first: &dyn TransferStore,
    second: &dyn TransferStore,
    mut progress: impl FnMut(&Totals) + Send,
) -> Result<(Totals, Vec<Difference>), TransferError> {
    let (mut firsts, mut seconds) = (Users::new(first), Users::new(second));
    let mut totals = Totals::default();
    let mut differences = Vec::new();
    loop {
        let of_first = firsts.peek().await.map_err(TransferError::Source)?;
        let of_second = seconds.peek().await.map_err(TransferError::Target)?;
        let Some(user) = of_first.into_iter().chain(of_second).min() else {
            return Ok((totals, differences));
        };
        let missing_in = match (of_first == Some(user), of_second == Some(user)) {
            (true, true) => None,
            (true, false) => Some("second"),
            (false, _) => Some("first"),
        };
        if let Some(which) = missing_in {
            differences.push(Difference {
                user,
                session: None,
                message: format!("the {which} store has nothing of this user"),
            });
        } else {
            totals.users += 1;
            let exports = first
                .export_user(user)
                .await
                .map_err(TransferError::Source)?;
            let mut pair = Pair {
                first: Items::new(exports),
                second: Items::new(
                    second
                        .export_user(user)
                        .await
                        .map_err(TransferError::Target)?,
                ),
                session: None,
            };
            let found = pair.compare(&mut totals, &mut progress).await?;
            differences.extend(found.map(|message| Difference {
                user,
                session: pair.session,
                message,
            }));
        }
        firsts.pass(user);
        seconds.pass(user);
    }
}

/// The items of a user, with the records of blocks in any portions.
struct Items {
    export: Box<dyn UserExport>,
    next: Option<Piece>,
}

/// What comes next.
#[derive(Debug)]
enum Piece {
    Item(TransferItem),
    Records(SensorType, Block),
    End,
}

impl Items {
    fn new(export: Box<dyn UserExport>) -> Self {
        Self { export, next: None }
    }

    async fn take(&mut self) -> Result<Piece, StoreError> {
        if let Some(piece) = self.next.take() {
            return Ok(piece);
        }
        Ok(match self.export.next().await? {
            Some(TransferItem::Block(sensor_type, block)) => Piece::Records(sensor_type, block),
            // Counted from the records, which are compared; an old store does not know it.
            Some(TransferItem::Session(state)) => {
                Piece::Item(TransferItem::Session(SessionState {
                    data_bytes: 0,
                    ..state
                }))
            }
            Some(item) => Piece::Item(item),
            None => Piece::End,
        })
    }

    /// Puts back the records of a block from `count` on.
    fn put_back(&mut self, sensor_type: SensorType, block: &Block, count: usize) {
        if count < block.len() {
            self.next = Some(Piece::Records(sensor_type, block.slice(count..block.len())));
        }
    }
}

struct Pair {
    first: Items,
    second: Items,
    /// The latest session of either.
    session: Option<SessionId>,
}

impl Pair {
    /// The first difference.
    async fn compare(
        &mut self,
        totals: &mut Totals,
        progress: &mut (impl FnMut(&Totals) + Send),
    ) -> Result<Option<String>, TransferError> {
        loop {
            let pieces = (
                self.first.take().await.map_err(TransferError::Source)?,
                self.second.take().await.map_err(TransferError::Target)?,
            );
            match pieces {
                (Piece::End, Piece::End) => return Ok(None),
                (Piece::Item(first), Piece::Item(second)) => {
                    self.session = session_of(&first).or(session_of(&second));
                    totals.count(&first);
                    if first != second {
                        return Ok(Some(difference_of(&first, &second)));
                    }
                }
                (Piece::Records(name, first), Piece::Records(other, second)) => {
                    let count = first.len().min(second.len());
                    if name != other || !are_equal(&first.slice(0..count), &second.slice(0..count))
                    {
                        let time = first.time(0);
                        return Ok(Some(format!(
                            "records of sensor {name} from {time} on differ"
                        )));
                    }
                    totals.records += count as u64;
                    self.first.put_back(name, &first, count);
                    self.second.put_back(other, &second, count);
                }
                (first, second) => {
                    let message = format!("{} against {}", kind_of(&first), kind_of(&second));
                    return Ok(Some(message));
                }
            }
            progress(totals);
        }
    }
}

/// Whether two runs of records of one series are the same, value by value.
fn are_equal(first: &Block, second: &Block) -> bool {
    let is_same = |first: Record, second: Record| {
        let texts = (canonical_text(&first.data), canonical_text(&second.data));
        let clocks = |record: &Record| (record.timestamp, record.changed, record.stamp);
        clocks(&first) == clocks(&second) && texts.0 == texts.1
    };
    // Mostly both are in the same form. Where a row has many fields, its columns depend on the rows
    // that it came with.
    first == second
        || first
            .records()
            .zip(second.records())
            .all(|(l, r)| is_same(l, r))
}

fn session_of(item: &TransferItem) -> Option<SessionId> {
    match item {
        TransferItem::Session(state) => Some(state.id),
        TransferItem::Analysis(analysis) => Some(analysis.session),
        _ => None,
    }
}

/// In what two items differ, without secrets.
fn difference_of(first: &TransferItem, second: &TransferItem) -> String {
    match (first, second) {
        (TransferItem::Session(first), TransferItem::Session(second)) if first.id == second.id => {
            let counts = (first.data_count, second.data_count);
            format!(
                "its metadata, clocks or counts differ (records: {} and {})",
                counts.0, counts.1
            )
        }
        (TransferItem::Clock(first), TransferItem::Clock(second)) => {
            format!("the user clock is {first} and {second}")
        }
        (TransferItem::Log(first), TransferItem::Log(second)) => {
            format!("log entries {} and {} differ", first.id.0, second.id.0)
        }
        _ => format!("{} differs from {}", name_of(first), name_of(second)),
    }
}

fn kind_of(piece: &Piece) -> String {
    match piece {
        Piece::Item(item) => name_of(item).to_owned(),
        Piece::Records(sensor_type, block) => {
            format!("records of sensor {sensor_type} from {} on", block.time(0))
        }
        Piece::End => "nothing".to_owned(),
    }
}

fn name_of(item: &TransferItem) -> &'static str {
    match item {
        TransferItem::Deleted(_) => "the deletion",
        TransferItem::Account(_) => "the account",
        TransferItem::Family(_) => "a sign-in",
        TransferItem::Session(_) => "a session",
        TransferItem::Block(..) => "records",
        TransferItem::Analysis(_) => "an analysis",
        TransferItem::Log(_) => "a log entry",
        TransferItem::Clock(_) => "the user clock",
    }
}
