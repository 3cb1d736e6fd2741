//! Command lines written for DeepVariant's wrapper -> our own spelling.
//!
//! * `--output_vcf` is `--output-vcf`: underscores in flag names become hyphens.
//! * Without a command, or under the name `run_deepvariant`, the command is `call`.
//! * `--noflag` and `--flag=false` switch a flag off, `--flag=true` is `--flag`.

use std::ffi::OsString;
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
    if (as_wrapper && !rest.iter().any(|a| a == "--version" || a == "--help")) || !own {
        result.push("call".into());
    }
    result.extend(rest.into_iter().filter_map(one));
    result
}

/// One argument; `None` for a switch that is turned off.
fn one(argument: OsString) -> Option<OsString> {
    let Some(text) = argument.to_str().filter(|text| text.starts_with("--")) else { return Some(argument) };
    let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
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
