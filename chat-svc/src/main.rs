//! The program `chat-svc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_svc::program::main()
}
