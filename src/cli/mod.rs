//! The command line: arguments -> resolved options -> a library call -> an exit code.
//!
//! Exit codes: 0 done, 1 internal fault, 2 usage, 3 bad input, 4 output or space, 129, 130 and 143 on SIGHUP, SIGINT and SIGTERM.

mod backend;
mod call;
mod call_report;
mod classification;
mod common;
mod compat;
mod explain;
mod extra_args;
mod file_args;
mod filters;
mod folder;
#[cfg(feature = "torch")]
mod import;
mod logging;
mod manual;
mod models;
mod ploidy_args;
mod progress;
mod read_warnings;
mod regions;
mod report;
mod report_args;
mod show;
mod signals;
mod stdout;
mod threads;
#[cfg(feature = "torch")]
mod train;
mod wrapper_args;

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::common::GENERAL;
use crate::error::{Error, Parameter};

/// Germline small-variant caller: BAM or CRAM in, VCF out
#[derive(Debug, Parser)]
// The format that version parsers of pipelines expect.
#[command(name = "varpix", version = concat!("version ", env!("CARGO_PKG_VERSION")))]
#[command(
    propagate_version = true,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
#[command(after_help = "\
'varpix help COMMAND' shows the options of a command. varpix also accepts the command line of DeepVariant's run_deepvariant.

Exit codes: 0 success, 1 internal error, 2 usage, 3 bad input, 4 output cannot be written, 128 + N stopped by signal N.")]
struct Cli {
    /// Log more: indexes, threads and work of each stage
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GENERAL)]
    verbose: u8,
    /// Log errors only: no progress, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GENERAL)]
    quiet: bool,
    /// Print help
    #[arg(short, long, global = true, action = clap::ArgAction::Help, help_heading = GENERAL)]
    help: Option<bool>,
    /// Print version
    #[arg(short = 'V', long, global = true, action = clap::ArgAction::Version, help_heading = GENERAL)]
    version: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Call variants
    Call(Box<call::CallArgs>),
    /// Explain step by step how a call is made, or why known variants are not candidates
    Explain(explain::ExplainArgs),
    /// Describe the calls of a VCF: a page of charts, a summary as JSON, files for MultiQC
    Report(report::FromVcfArgs),
    /// Split regions into chunks of about equal work
    Regions(regions::RegionsArgs),
    /// List the models that are installed; check one
    Models(models::ModelsArgs),
    /// Convert a published DeepVariant model
    #[cfg(feature = "torch")]
    ImportDeepvariant(import::ImportArgs),
    /// Write pileup images of candidates as PNG
    Show(show::ShowArgs),
    /// Train a model
    #[cfg(feature = "torch")]
    Train(Box<train::TrainArgs>),
    /// Print a shell completion script
    Completions(manual::CompletionsArgs),
    /// Print the manual page
    Man(manual::ManArgs),
}

/// The message and exit code of a failed run.
#[derive(Debug)]
pub struct Failure {
    /// The sentence for stderr; empty where it was printed already.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // The reader closed the pipe on purpose.
        let message = match &error {
            Error::ReaderGone => String::new(),
            Error::Parameter { parameter, value, problem } => {
                let blank = if value.is_empty() { "" } else { " " };
                format!("varpix: {}{blank}{value}: {problem}", flag(*parameter))
            }
            Error::Input { remedy: Some(parameter), .. } => format!("varpix: {error} ({})", flag(*parameter)),
            _ => format!("varpix: {error}"),
        };
        Self { message, code: error.exit_code() }
    }
}

/// The flag that sets a parameter of the library.
fn flag(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Reads => "--reads",
        Parameter::Regions => "--regions",
        Parameter::Chunks => "--chunks",
        Parameter::SampleName => "--sample-name",
        Parameter::HaploidContigs => "--haploid-contigs",
        Parameter::Device => "--device",
        Parameter::RealignedBam => "--realigned-bam",
        Parameter::HaplotaggedBam => "--haplotagged-bam",
    }
}

/// Runs the program with `args`, its own name first.
///
/// # Errors
/// A [`Failure`] for anything but success.
pub fn main(args: Vec<OsString>) -> Result<(), Failure> {
    let started = call_report::Started::now();
    let cli = match parsed(compat::rewritten(args, &Cli::command())) {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            stdout::taken(help.print().and_then(|()| std::io::stdout().flush()))?;
            return Ok(());
        }
        Err(error) => {
            // If stderr is full or closed, the exit code remains.
            let _ = error.print();
            let hint = compat::hint(&error).map(|hint| format!("varpix: {hint}"));
            return Err(Failure { message: hint.unwrap_or_default(), code: 2 });
        }
    };
    start_logging(&cli);
    common::silence_htslib();
    signals::watch()?;
    folder::check()?;
    match cli.command {
        Command::Call(args) => call::run(*args, started)?,
        Command::Explain(args) => explain::run(&args)?,
        Command::Report(args) => report::run(&args)?,
        Command::Regions(args) => regions::run(&args)?,
        Command::Models(args) => models::run(&args)?,
        Command::Completions(args) => manual::completions(Cli::command(), &args)?,
        Command::Man(args) => manual::man(Cli::command(), &args)?,
        #[cfg(feature = "torch")]
        Command::ImportDeepvariant(args) => import::run(&args)?,
        Command::Show(args) => show::run(&args)?,
        #[cfg(feature = "torch")]
        Command::Train(args) => train::run(&args)?,
    }
    Ok(())
}

fn parsed(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if args.iter().any(|arg| arg == "--version") {
        command = command.long_version(long_version());
    }
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// The text of `--version`. Parsers read the first line; they look for the last "version" in the whole text.
fn long_version() -> String {
    let built = [("commit", option_env!("VARPIX_COMMIT")), ("libtorch", option_env!("VARPIX_LIBTORCH"))];
    let mut lines = vec![concat!("version ", env!("CARGO_PKG_VERSION")).to_owned()];
    lines.extend(built.into_iter().map(|(what, value)| format!("{what} {}", value.unwrap_or("none"))));
    lines.push(format!("devices {}", backend::devices().join(", ")));
    lines.join("\n")
}

fn start_logging(cli: &Cli) {
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => log::LevelFilter::Error,
        (_, 0) => log::LevelFilter::Info,
        _ => log::LevelFilter::Debug,
    };
    logging::start(level);
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
