//! `koodtx-server openapi`

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use super::CliError;
use super::args::OpenapiArgs;
use crate::api::openapi_document;

pub(super) fn run(args: &OpenapiArgs) -> Result<ExitCode, CliError> {
    let document = openapi_document();
    let Some(path) = &args.check else {
        // Not `print!`, which panics when the reader of a pipe has seen enough.
        return match std::io::stdout().write_all(document.as_bytes()) {
            Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(CliError::Io {
                what: "standard output".to_owned(),
                source,
            }),
            _ => Ok(ExitCode::SUCCESS),
        };
    };
    let file = std::fs::read_to_string(path).map_err(|source| CliError::Io {
        what: path.display().to_string(),
        source,
    })?;
    if file == document {
        say!("{} is current", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let line = file
        .lines()
        .zip(document.lines())
        .take_while(|(old, new)| old == new)
        .count()
        + 1;
    eprintln!(
        "{} is not current, from line {line} on; write it anew with `koodtx-server openapi > {}`",
        path.display(),
        path.display()
    );
    Ok(ExitCode::FAILURE)
}
