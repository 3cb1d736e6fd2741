//! What a survey found of a sample, and counts of a run's reads -> warnings about what the calls alone may not reveal.

use crate::model::ModelConfig;
use crate::reads::read::MISSING_BASE_QUALITY;
use crate::reads::{FetchStats, FilterReason};
use crate::sample::SampleProfile;

/// No warning about filtered reads is given below this number of reads.
const FEWEST_JUDGED: u64 = 20;

/// Median length of reads in bp from which on they are no short reads, merged mates included.
const LONG: u32 = 700;
/// Share of spliced reads from which on they are RNA.
const SPLICED: f64 = 0.05;

/// Warnings about a sample unlike those that a model has learned from. `platforms` are those that the reads' header names.
pub(super) fn unlike(sample: &SampleProfile, platforms: &[String], model: &ModelConfig) -> Vec<String> {
    let mut found = Vec::new();
    let (for_long, name, length) = (model.evidence.cut_long_reads, &model.name, sample.read_length);
    if !for_long && length >= LONG {
        let fitting = match platforms {
            [one] if one == "ONT" => "DeepVariant's ONT_R104 ('varpix import-deepvariant --help')",
            _ => "hifi for PacBio HiFi, or DeepVariant's ONT_R104 ('varpix import-deepvariant --help')",
        };
        found.push(format!(
            "these are long reads (median {length} bp), and model {name} has learned from short ones: its calls will be poor; give --model a \
             model for long reads: {fitting}"
        ));
    }
    if for_long && (1..LONG).contains(&length) {
        found.push(format!(
            "these are short reads (median {length} bp), and model {name} has learned from long ones: its calls will be poor; give --model a \
             model for short reads, such as wgs"
        ));
    } else if let (Some(platform), [_, ..]) = (&model.platform, platforms)
        && !platforms.contains(platform)
    {
        found.push(format!(
            "the read groups name {} as platform (PL), and model {name} is for reads of {platform}: its calls will be poor; give --model a model \
             for these reads",
            platforms.join(", ")
        ));
    }
    if sample.spliced >= SPLICED {
        found.push(format!(
            "{:.0} % of the alignments are spliced, as those of RNA are, and model {model} has learned from DNA: its calls will be poor; give \
             --model a model for RNA, such as DeepVariant's RNASEQ ('varpix import-deepvariant --help')",
            sample.spliced * 100.0,
            model = model.name
        ));
    }
    found
}

/// Warning about candidates that the model left to the likelihoods of their reads.
pub(super) fn beyond(by_likelihoods: u64, candidates: u64) -> Option<String> {
    (by_likelihoods > 0).then(|| {
        format!(
            "{by_likelihoods} of {candidates} candidates are unlike any that the model has learned from; they are called by the likelihoods of \
             their reads ('varpix explain --classify' names what decided)"
        )
    })
}

/// Warnings about the reads that the calls alone may not reveal.
pub(super) fn warnings(reads: &FetchStats) -> Vec<String> {
    let mut found = Vec::new();
    if reads.without_qualities > 0 {
        found.push(format!(
            "{} of {} reads (counted per region) lack base qualities; quality {MISSING_BASE_QUALITY} is assumed",
            reads.without_qualities, reads.records
        ));
    }
    let lost = reads.filtered() + reads.unusable;
    if reads.records >= FEWEST_JUDGED && 2 * lost > reads.records {
        let by_flags = FilterReason::ALL.map(|reason| {
            let n = reads.left_out[reason as usize];
            (n, format!("{n} as {}: {}", reason.name(), remedy(reason)))
        });
        let unusable = (reads.unusable, format!("{} without alignment or sequence", reads.unusable));
        let most = by_flags.into_iter().chain([unusable]).max_by_key(|(n, _)| *n);
        found.push(format!(
            "{lost} of {} reads (counted per region) were filtered out, {}",
            reads.records,
            most.map(|(_, said)| said).unwrap_or_default()
        ));
    }
    found
}

/// How to use reads that are left out for that reason: an option of `varpix call`, or a change to the file.
fn remedy(reason: FilterReason) -> &'static str {
    match reason {
        FilterReason::Unmapped => "reads without an alignment cannot be used",
        FilterReason::Duplicate => "--keep-duplicates takes them",
        FilterReason::QualityFail => "'samtools view --remove-flags QCFAIL' clears the flag",
        FilterReason::Secondary => "--keep-secondary takes them",
        FilterReason::Supplementary => "--keep-supplementary takes them",
        FilterReason::MateOnOtherContig => "--keep-mates-on-other-contigs takes them",
        FilterReason::LowMappingQuality => "--min-mapping-quality sets the limit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::config;

    #[test]
    fn reads_left_out_are_warned_of() {
        let mut reads = FetchStats { records: 100, ..FetchStats::default() };
        let warnings = |reads: FetchStats| super::warnings(&reads);
        reads.left_out[FilterReason::LowMappingQuality as usize] = 20;
        reads.left_out[FilterReason::Duplicate as usize] = 30;
        assert!(warnings(reads).is_empty(), "half is not most");
        reads.unusable = 1;
        let said = warnings(reads);
        assert!(said.len() == 1 && said[0].contains("51 of 100") && said[0].contains("--keep-duplicates"), "{said:?}");
        let few = FetchStats { records: 19, unusable: 19, ..FetchStats::default() };
        assert!(warnings(few).is_empty());
    }

    #[test]
    fn reads_that_the_model_is_not_for_are_warned_of() {
        let (short, mut long) = (config(), config());
        (long.evidence.cut_long_reads, long.platform) = (true, Some("PACBIO".into()));
        let of = |read_length, spliced, platform: &str, model: &ModelConfig| {
            unlike(&SampleProfile { read_length, spliced, ..SampleProfile::default() }, &[platform.to_owned()], model)
        };
        assert!(of(300, 0.01, "ILLUMINA", &short).is_empty() && of(15_000, 0.0, "PACBIO", &long).is_empty());
        let said = of(15_000, 0.0, "PACBIO", &short);
        assert!(said[0].contains("median 15000 bp") && said[0].contains("hifi for PacBio HiFi"), "{said:?}");
        assert!(of(15_000, 0.0, "ONT", &short)[0].contains("long reads: DeepVariant's ONT_R104"));
        assert!(of(101, 0.0, "ILLUMINA", &long)[0].contains("such as wgs"));
        assert!(of(15_000, 0.0, "ONT", &long)[0].contains("name ONT as platform"));
        let said = of(101, 0.3, "ILLUMINA", &short);
        assert!(said[0].contains("30 %") && said[0].contains("RNASEQ"), "{said:?}");
        assert_eq!(beyond(0, 9), None);
        assert!(beyond(3, 9).unwrap().starts_with("3 of 9 candidates"));
    }

    #[test]
    fn missing_qualities_are_warned_of() {
        let reads = FetchStats { records: 9, without_qualities: 4, ..FetchStats::default() };
        let said = super::warnings(&reads);
        assert!(said.len() == 1 && said[0].contains("4 of 9") && said[0].contains("quality 30 is assumed"), "{said:?}");
    }
}
