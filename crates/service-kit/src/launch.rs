//! What every `main` is made of: settings from the command line, a runtime, the program, its exit code.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::settings::{self, Check};

/// Reads the settings, serves by them, and answers the exit code: 64 for wrong settings, 1 for a failure, which is told
/// on standard error; else what `serve` says.
pub fn launch<A, W, E>(serve: impl FnOnce(A::Checked) -> W) -> ExitCode
where
    A: Parser + Check,
    W: Future<Output = Result<ExitCode, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let settings = settings::load::<A>();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(serve(settings)).map_err(Into::into));
    outcome.unwrap_or_else(|failure| failed(A::command().get_name(), &*failure))
}

/// Tells why a program failed. Its exit code is 1.
pub fn failed(program: &str, failure: &(dyn Error + 'static)) -> ExitCode {
    // A closed standard error: then nobody wants to know.
    let _ = writeln!(io::stderr(), "{program}: {}", once(failure));
    ExitCode::FAILURE
}

/// A failure and its causes, each told once: many a message already ends with the message of its cause.
fn once(failure: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(failure), |&cause| cause.source());
    causes.map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.ends_with(&cause) => told.to_owned(),
        told => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Failure {
        says: &'static str,
        source: Option<Box<Failure>>,
    }

    #[test]
    fn a_cause_is_told_once() {
        let chain = |words: &[&'static str]| {
            words.iter().rev().fold(None, |source, says| Some(Box::new(Failure { says, source }))).unwrap()
        };
        let repeated = chain(&["database mud.db", "connecting: no file", "no file"]);
        assert_eq!(once(&*repeated), "database mud.db: connecting: no file");
        assert_eq!(once(&*chain(&["no file"])), "no file");
    }
}
