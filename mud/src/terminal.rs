//! What the operators' commands say on standard error, which may be closed: then nobody wants to know.

use std::fmt;
use std::io::{self, Write};

/// Says one line.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
