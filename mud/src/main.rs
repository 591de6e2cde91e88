//! The program `mud`: everything in one process, and the operators' tools.

use std::process::ExitCode;

fn main() -> ExitCode {
    mud::cli::main()
}
