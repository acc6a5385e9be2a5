//! What a store has to do: a few atomic operations, named by intent.
//!
//! A store is an `Arc<dyn SyncStore>` (and, for the reference server, the other traits of this
//! module on the same value). Each method is one unit of atomicity; there is no transaction object
//! and there are no default bodies, so a wrapper that forgets a method does not compile. The pure
//! functions of this crate decide *what* has to be written; a store only reads, locks and writes.
//!
//! A store never reads the clock: `now` is an argument.

mod account;
mod error;
mod maintenance;
mod quota;
mod results;
mod sync;
mod transfer;

pub use account::{
    AccountStore, Credentials, DeletedUser, NameHash, NewFamily, NewUser, Rotation, SignIn, Taken,
    TokenHash, TokenHolder, User, UserPage, fold_name, name_hash,
};
pub use error::{StoreError, StoreErrorKind};
pub use maintenance::{
    Erasure, FoundSessions, MaintenanceStore, Problem, RepairPage, SessionFilter, SessionPosition,
    Usage, VerifyPage,
};
pub use quota::{Held, Quota};
pub use results::{ANALYSIS_MAX_BYTES, Analysis, ResultStore, TaskRun, analysis_too_large};
pub use sync::{
    PushCommand, PushOutcome, SeriesStats, SessionDetail, SessionList, StoreInfo, SyncStore,
    UserStatus,
};
pub use transfer::{
    Family, TransferItem, TransferStore, UserExport, UserImport, import_refused, no_import,
};

/// Everything the reference server needs of a store.
///
/// Implemented for whatever implements the parts.
pub trait Store: SyncStore + AccountStore + MaintenanceStore + ResultStore + TransferStore {}

impl<S: SyncStore + AccountStore + MaintenanceStore + ResultStore + TransferStore> Store for S {}
