//! The program `battle-svc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    battle_svc::program::main()
}
