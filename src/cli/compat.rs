//! Command lines written for DeepVariant's wrapper -> our own spelling.
//!
//! * `--output_vcf` is `--output-vcf`: underscores in flag names become hyphens.
//! * Without a command, or under the name `run_deepvariant`, the command is `call`.
//! * `-v 2`, `--v=2` and `--verbosity=2` are `-v`.
//! * `--noflag` and `--flag=false` switch a flag off, `--flag=true` is `--flag`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Flags of the wrapper that take `true` or `false`.
const SWITCHES: [&str; 7] = [
    "--vcf-stats-report",
    "--runtime-report",
    "--disable-small-model",
    "--no-fast-tier",
    "--dry-run",
    "--use-hp-information",
    "--emit-ref-calls",
];
/// How much is logged, a number, in absl's spellings.
const VERBOSITY: [&str; 3] = ["-v", "--v", "--verbosity"];
/// First words that are ours already.
const OWN: [&str; 8] = ["call", "show", "train", "--help", "-h", "--version", "-V", "help"];

/// The arguments as clap is to see them; the program's name stays first.
pub(super) fn rewritten(args: Vec<OsString>) -> Vec<OsString> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "varpix".into());
    let as_wrapper = Path::new(&program).file_name().is_some_and(|name| name == "run_deepvariant");
    let rest: Vec<OsString> = args.collect();
    let own = rest
        .first()
        .is_none_or(|first| OWN.iter().any(|word| first == word) || !first.to_string_lossy().starts_with("--"));
    let mut result = vec![program];
    let theirs = (as_wrapper && !rest.iter().any(|a| a == "--version" || a == "--help")) || !own;
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
            result.extend(one(argument));
        }
    }
    result
}

fn number(argument: &OsStr) -> Option<i32> {
    argument.to_str()?.parse().ok()
}

/// A flag and what stands behind its `=`.
fn split_flag(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)))
}

/// One argument; `None` for a switch that is turned off.
fn one(argument: OsString) -> Option<OsString> {
    let Some(text) = argument.to_str().filter(|text| text.starts_with("--")) else { return Some(argument) };
    let (flag, value) = split_flag(text);
    let flag = flag.replace('_', "-");
    let switch = |flag: &str| SWITCHES.contains(&flag);
    match value {
        Some("true" | "True" | "1") if switch(&flag) => Some(flag.into()),
        Some("false" | "False" | "0") if switch(&flag) => None,
        Some(value) => Some(format!("{flag}={value}").into()),
        None if flag.strip_prefix("--no").is_some_and(|name| switch(&format!("--{name}"))) => None,
        None => Some(flag.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(line: &str) -> String {
        let args = line.split(' ').map(OsString::from).collect();
        rewritten(args).into_iter().map(|a| a.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_wrappers_line_becomes_call() {
        assert_eq!(
            rewrite("varpix --model_type=WGS --output_vcf=a_b.vcf.gz --num_shards 4"),
            "varpix call --model-type=WGS --output-vcf=a_b.vcf.gz --num-shards 4"
        );
        assert_eq!(rewrite("/opt/bin/run_deepvariant --ref x"), "/opt/bin/run_deepvariant call --ref x");
    }

    #[test]
    fn verbosity_is_absls() {
        assert_eq!(rewrite("run_deepvariant -v 2 --ref x"), "run_deepvariant call -v --ref x");
        assert_eq!(rewrite("varpix --ref x --verbosity=0 --v=1"), "varpix call --ref x -v");
        assert_eq!(rewrite("varpix --ref x -v"), "varpix call --ref x -v");
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
    fn switches_may_carry_values() {
        assert_eq!(
            rewrite("varpix call --vcf_stats_report=true --dry_run=false --noruntime_report --emit-ref-calls"),
            "varpix call --vcf-stats-report --emit-ref-calls"
        );
    }
}
