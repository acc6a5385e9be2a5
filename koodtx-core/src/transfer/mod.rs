//! Moving everything from one store into another, and comparing the two.
//!
//! The stores act through [`TransferStore`](crate::store::TransferStore); what is the same whichever they
//! are stands here.

mod compare;
mod copy;
mod order;
mod totals;
mod users;

pub use compare::{Difference, compare};
pub use copy::{TransferError, copy};
pub use order::ItemOrder;
pub use totals::Totals;
pub use users::Users;
