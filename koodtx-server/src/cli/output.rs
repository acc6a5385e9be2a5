//! Standard output, whose reader may have seen enough.

use std::fmt;
use std::io::{ErrorKind, Write};

/// Prints a line. Unlike `println!`, it does not panic when the reader of a pipe has gone.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::line(format_args!($($text)*))
    };
}

/// Prints a line; says on standard error why it was not printed, unless nobody reads any more.
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("koodtx-server: standard output: {error}");
    }
}
