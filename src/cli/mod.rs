//! The command line: arguments -> resolved options -> a library call -> an exit code.
//!
//! Exit codes: 0 done, 1 internal fault, 2 usage, 3 bad input, 4 output or space, 130 and 143 on SIGINT and SIGTERM.

mod backend;
mod call;
mod common;
mod compat;
mod explain;
mod filters;
#[cfg(feature = "torch")]
mod import;
mod manual;
mod progress;
mod regions;
mod show;
mod signals;
#[cfg(feature = "torch")]
mod train;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Error;

/// Germline small-variant caller: pileup images, a CNN, one process
#[derive(Debug, Parser)]
// The words that version parsers of pipelines look for.
#[command(name = "varpix", version = concat!("version ", env!("CARGO_PKG_VERSION")))]
#[command(propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = "\
Command lines of DeepVariant's run_deepvariant work as they are: put varpix in its place.

Exit codes: 0 done, 1 internal fault, 2 usage, 3 bad input, 4 output or space, 130 and 143 on SIGINT and SIGTERM.")]
struct Cli {
    /// Say more (-v: debug)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Call variants: BAM or CRAM in, VCF out
    Call(Box<call::CallArgs>),
    /// Say of known variants whether they are candidates, and why if not
    Explain(explain::ExplainArgs),
    /// Cut regions into chunks of about equal work, for running them on many machines
    Regions(regions::RegionsArgs),
    /// Make a model of one that DeepVariant publishes
    #[cfg(feature = "torch")]
    ImportDeepvariant(import::ImportArgs),
    /// Draw the pileup images of a region's candidates as PNG
    Show(show::ShowArgs),
    /// Train a model from reads with known variants
    #[cfg(feature = "torch")]
    Train(Box<train::TrainArgs>),
    /// Print a script that lets a shell complete varpix's arguments
    Completions(manual::CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(manual::ManArgs),
}

/// What the process ends with when it fails.
#[derive(Debug)]
pub struct Failure {
    /// The sentence for stderr; empty where it was printed already.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { message: format!("varpix: {error}"), code: error.exit_code() }
    }
}

/// Runs the program with `args`, its own name first.
///
/// # Errors
/// A [`Failure`] for anything but success.
pub fn main(args: Vec<OsString>) -> Result<(), Failure> {
    let cli = match parsed(compat::rewritten(args)) {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            // Help and version; a closed pipe is not a fault.
            let _ = help.print();
            return Ok(());
        }
        Err(error) => {
            let _ = error.print();
            return Err(Failure { message: String::new(), code: 2 });
        }
    };
    start_logging(cli.verbose);
    common::silence_htslib();
    // A training run keeps its state as it goes, so a signal may end it at once.
    #[cfg(feature = "torch")]
    let watched = !matches!(cli.command, Command::Train(_));
    #[cfg(not(feature = "torch"))]
    let watched = true;
    let stop = if watched { signals::watch()? } else { signals::Watch::default() };
    let outcome = match cli.command {
        Command::Call(args) => call::run(&args, stop.flag()),
        Command::Explain(args) => explain::run(&args),
        Command::Regions(args) => regions::run(&args),
        Command::Completions(args) => manual::completions(Cli::command(), &args),
        Command::Man(args) => manual::man(Cli::command(), &args),
        #[cfg(feature = "torch")]
        Command::ImportDeepvariant(args) => import::run(&args),
        Command::Show(args) => show::run(&args),
        #[cfg(feature = "torch")]
        Command::Train(args) => train::run(&args),
    };
    match (outcome, stop.signal()) {
        (Ok(()), _) => Ok(()),
        (Err(Error::Stopped), Some(signal)) => Err(Failure {
            message: format!("varpix: stopped by signal {signal}; no output was written"),
            code: 128 + signal,
        }),
        (Err(error), _) => Err(error.into()),
    }
}

fn parsed(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if args.iter().any(|arg| arg == "--version") {
        command = command.long_version(long_version());
    }
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// What `--version` says: its first line is for parsers, which look for the last "version" of all lines.
fn long_version() -> String {
    let built = [("commit", option_env!("VARPIX_COMMIT")), ("libtorch", option_env!("VARPIX_LIBTORCH"))];
    let mut lines = vec![concat!("version ", env!("CARGO_PKG_VERSION")).to_owned()];
    lines.extend(built.into_iter().map(|(what, value)| format!("{what} {}", value.unwrap_or("none"))));
    lines.push(format!("devices {}", backend::devices().join(", ")));
    lines.join("\n")
}

fn start_logging(verbose: u8) {
    let level = if verbose > 0 { log::LevelFilter::Debug } else { log::LevelFilter::Info };
    let format = |buffer: &mut env_logger::fmt::Formatter, record: &log::Record| {
        use std::io::Write;
        match record.level() {
            log::Level::Error | log::Level::Warn => {
                writeln!(buffer, "varpix: {}: {}", record.level().as_str().to_lowercase(), record.args())
            }
            _ => writeln!(buffer, "varpix: {}", record.args()),
        }
    };
    // A second initialisation, in tests, is harmless.
    let _ = env_logger::Builder::new().filter_module("varpix", level).format(format).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn parsers_of_versions_find_the_number() {
        // What nf-core's modules do: all on one line, cut at the last "version ", then at the first blank.
        let line = format!("varpix {}", long_version().replace('\n', " "));
        let number = line.rsplit("version ").next().and_then(|rest| rest.split(' ').next());
        assert_eq!(number, Some(env!("CARGO_PKG_VERSION")));
    }
}
