//! The KooDTX sync server.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("koodtx-server: serving is not implemented yet");
    ExitCode::FAILURE
}
