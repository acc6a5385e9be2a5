//! Moving everything between stores: by copies, and by backup files.

mod copying;
mod damage;
mod golden;
mod interrupted;
mod kinds;
mod restoring;
mod support;
