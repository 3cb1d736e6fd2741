//! Command lines written for DeepVariant's wrapper -> varpix's spelling; options of other tools -> a hint.
//!
//! * `--output_vcf` is `--output-vcf`: underscores in flag names become hyphens.
//! * Without a command, or under the name `run_deepvariant`, the command is `call`.
//! * `-v 2`, `--v=2` and `--verbosity=2` are `-v`.
//! * `--noflag` and `--flag=false` switch a flag off, `--flag=true` is `--flag`.
//! * `help call` is `call --help`.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Command};

/// How much is logged, a number, in absl's spellings.
const VERBOSITY: [&str; 3] = ["-v", "--v", "--verbosity"];
/// Flags that may stand before the command.
const GLOBAL: [&str; 5] = ["-v", "-vv", "--verbose", "-q", "--quiet"];
/// Flags that end the program before any command.
const ALONE: [&str; 4] = ["-h", "--help", "-V", "--version"];
/// Options of other callers without an equivalent, and what to do instead.
const INSTEAD: [(&[&str], &str); 8] = [
    (&["-O", "--output-type"], "the format follows from the name of --output-vcf: .vcf.gz, .vcf or .bcf"),
    (&["-E", "--emit-ref-confidence", "-g"], "for a gVCF add --output-gvcf NAME.g.vcf.gz"),
    (&["--ploidy", "-p"], "samples are diploid; use --haploid-contigs for haploid contigs"),
    (&["--bam-list"], "give all files of the sample to --reads, separated by commas or spaces"),
    (&["-s", "--samples", "--samples-file"], "one sample is called at a time; --sample-name sets its name in the VCF"),
    (&["--min-BQ", "-Q", "--min-base-quality"], "the minimum base quality is part of the model; see --model"),
    (&["-T", "--exclude-intervals", "-X"], "regions cannot be excluded; give the regions to call with --regions"),
    (&["--tumor", "--tumor-bam", "--reads-tumor", "--pon"], "varpix calls germline variants of one sample"),
];

/// The arguments as clap is to see them; the program's name stays first.
pub(super) fn rewritten(args: Vec<OsString>, cli: &Command) -> Vec<OsString> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "varpix".into());
    let as_wrapper = Path::new(&program).file_name().is_some_and(|name| name == "run_deepvariant");
    let rest: Vec<OsString> = args.collect();
    let is_any = |argument: &OsStr, words: &[&str]| words.iter().any(|word| argument == *word);
    let command = rest.iter().find(|argument| !is_any(argument, &GLOBAL) && number(argument).is_none());
    let named = command.is_some_and(|word| cli.find_subcommand(word).is_some());
    if let Some((help, of)) = rest.split_first()
        && help == "help"
    {
        return [&[program], of, &["--help".into()]].concat();
    }
    let alone = rest.iter().any(|argument| is_any(argument, &ALONE));
    let begins_with_flag = command.is_some_and(|word| word.to_string_lossy().starts_with('-') && !is_any(word, &ALONE));
    let theirs = !named && (begins_with_flag || (as_wrapper && !alone));
    let switches = switches(cli);
    let mut result = vec![program];
    if theirs {
        result.push("call".into());
    }
    let mut rest = rest.into_iter().peekable();
    while let Some(argument) = rest.next() {
        let (flag, value) = argument.to_str().map(split_flag).unwrap_or_default();
        if theirs && VERBOSITY.contains(&flag) {
            let level = match value {
                Some(value) => value.parse().ok(),
                None => rest.next_if(|next| number(next).is_some()).as_deref().and_then(number),
            };
            result.extend((level != Some(0)).then(|| "-v".into()));
        } else {
            result.extend(one(argument, &switches));
        }
    }
    result
}

/// What to do instead, for an option of another tool or an argument that is not UTF-8.
pub(super) fn hint(error: &clap::Error) -> Option<&'static str> {
    if error.kind() == ErrorKind::InvalidUtf8 {
        return Some("names and regions must be valid UTF-8; only paths may be arbitrary bytes");
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = flag.split('=').next().unwrap_or_default().trim();
    let known = error.kind() == ErrorKind::UnknownArgument;
    INSTEAD.iter().find(|(flags, _)| known && flags.contains(&flag)).map(|(_, instead)| *instead)
}

fn number(argument: &OsStr) -> Option<i32> {
    argument.to_str()?.parse().ok()
}

/// A flag and the value after its `=`.
fn split_flag(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)))
}

/// The flags of `call` that take no value, by all their names.
fn switches(cli: &Command) -> BTreeSet<String> {
    let flags = cli.find_subcommand("call").into_iter().flat_map(Command::get_arguments);
    let flags = flags.filter(|arg| matches!(arg.get_action(), ArgAction::SetTrue));
    flags
        .flat_map(|arg| arg.get_long().into_iter().chain(arg.get_all_aliases().unwrap_or_default()))
        .map(|name| format!("--{name}"))
        .collect()
}

/// One argument; `None` for a switch that is turned off.
fn one(argument: OsString, switches: &BTreeSet<String>) -> Option<OsString> {
    let Some(text) = argument.to_str().filter(|text| text.starts_with("--")) else { return Some(argument) };
    let (flag, value) = split_flag(text);
    let flag = flag.replace('_', "-");
    let switch = switches.contains(&flag);
    match value.map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "t" | "1") if switch => Some(flag.into()),
        Some("false" | "f" | "0") if switch => None,
        Some(_) => Some(format!("{flag}={}", value.unwrap_or_default()).into()),
        None if flag.strip_prefix("--no").is_some_and(|name| switches.contains(&format!("--{name}"))) => None,
        None => Some(flag.into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn rewrite(line: &str) -> String {
        let args = line.split(' ').map(OsString::from).collect();
        rewritten(args, &Cli::command()).into_iter().map(|a| a.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_wrappers_line_becomes_call() {
        assert_eq!(
            rewrite("varpix --model_type=WGS --output_vcf=a_b.vcf.gz --num_shards 4"),
            "varpix call --model-type=WGS --output-vcf=a_b.vcf.gz --num-shards 4"
        );
        assert_eq!(rewrite("/opt/bin/run_deepvariant --ref x"), "/opt/bin/run_deepvariant call --ref x");
        assert_eq!(rewrite("run_deepvariant call --ref x"), "run_deepvariant call --ref x");
        assert_eq!(rewrite("varpix -f x -o y"), "varpix call -f x -o y");
    }

    #[test]
    fn verbosity_is_absls() {
        assert_eq!(rewrite("run_deepvariant -v 2 --ref x"), "run_deepvariant call -v --ref x");
        assert_eq!(rewrite("varpix --ref x --verbosity=0 --v=1"), "varpix call --ref x -v");
        assert_eq!(rewrite("varpix --ref x -v"), "varpix call --ref x -v");
        assert_eq!(rewrite("varpix -v 2 --ref x"), "varpix call -v --ref x");
        assert_eq!(rewrite("varpix call -v 2"), "varpix call -v 2");
    }

    #[test]
    fn our_own_lines_stay() {
        for line in
            ["varpix", "varpix --version", "varpix call --ref a_b.fa", "varpix show --help", "varpix -h", "varpix cal"]
        {
            assert_eq!(rewrite(line), line);
        }
        assert_eq!(rewrite("run_deepvariant --version"), "run_deepvariant --version");
    }

    #[test]
    fn flags_of_all_commands_may_stand_before_the_command() {
        for command in Cli::command().get_subcommands() {
            for flag in GLOBAL {
                let line = format!("varpix {flag} {} --ref x", command.get_name());
                assert_eq!(rewrite(&line), line);
            }
        }
        assert_eq!(rewrite("varpix --verbose --ref x"), "varpix call --verbose --ref x");
        assert_eq!(rewrite("varpix -v"), "varpix -v");
    }

    #[test]
    fn help_of_a_command() {
        assert_eq!(rewrite("varpix help call"), "varpix call --help");
        assert_eq!(rewrite("varpix help"), "varpix --help");
    }

    #[test]
    fn switches_may_carry_values() {
        assert_eq!(
            rewrite("varpix call --vcf_stats_report=true --dry_run=false --noruntime_report --emit-ref-calls"),
            "varpix call --vcf-stats-report --emit-ref-calls"
        );
        assert_eq!(
            rewrite("varpix call --disable_small_model=T --only_pass=1"),
            "varpix call --disable-small-model --only-pass"
        );
    }

    #[test]
    fn flags_of_other_tools_are_explained() {
        for (flags, instead) in INSTEAD {
            for flag in flags {
                let error = Cli::command().try_get_matches_from(["varpix", "call", flag, "x"]).unwrap_err();
                assert_eq!(hint(&error), Some(instead), "{flag}: {error}");
            }
        }
    }
}
