//! Alignment flags and MAPQ of a record -> whether it is used, or the reason why not ([`FilterReason`]).

use rust_htslib::bam::record::Record;
use serde::{Deserialize, Serialize};

/// Lowest mapping quality of a read that is used, Phred.
pub const DEFAULT_MIN_MAPPING_QUALITY: u8 = 5;

/// Which reads are used; stored in a model, since the model was trained on such reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct ReadFilter {
    /// Lowest mapping quality, Phred.
    pub min_mapping_quality: u8,
    /// Keep reads marked as duplicates.
    pub keep_duplicates: bool,
    /// Keep supplementary alignments.
    pub keep_supplementary: bool,
    /// Keep secondary alignments.
    pub keep_secondary: bool,
    /// Keep reads whose mates lie on another contig, as all do where contigs are shorter than fragments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_mates_on_other_contigs: bool,
}

impl Default for ReadFilter {
    fn default() -> Self {
        Self {
            min_mapping_quality: DEFAULT_MIN_MAPPING_QUALITY,
            keep_duplicates: false,
            keep_supplementary: false,
            keep_secondary: false,
            keep_mates_on_other_contigs: false,
        }
    }
}

/// Why a record is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterReason {
    /// Flag 0x4.
    Unmapped,
    /// Flag 0x400.
    Duplicate,
    /// Flag 0x200.
    QualityFail,
    /// Flag 0x100.
    Secondary,
    /// Flag 0x800.
    Supplementary,
    /// Paired, not properly, with the mate on another contig.
    MateOnOtherContig,
    /// MAPQ under the limit.
    LowMappingQuality,
}

impl FilterReason {
    /// All reasons, in the order in which they are tested.
    pub const ALL: [Self; 7] = [
        Self::Unmapped,
        Self::Duplicate,
        Self::QualityFail,
        Self::Secondary,
        Self::Supplementary,
        Self::MateOnOtherContig,
        Self::LowMappingQuality,
    ];

    /// A name for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unmapped => "unmapped",
            Self::Duplicate => "duplicate",
            Self::QualityFail => "failed quality checks",
            Self::Secondary => "secondary",
            Self::Supplementary => "supplementary",
            Self::MateOnOtherContig => "mate on another contig",
            Self::LowMappingQuality => "low mapping quality",
        }
    }
}

impl ReadFilter {
    /// Why `record` is left out, or `None` where it is used.
    #[must_use]
    pub fn reject(&self, record: &Record) -> Option<FilterReason> {
        let rules = [
            (record.is_unmapped(), FilterReason::Unmapped),
            (record.is_duplicate() && !self.keep_duplicates, FilterReason::Duplicate),
            (record.is_quality_check_failed(), FilterReason::QualityFail),
            (record.is_secondary() && !self.keep_secondary, FilterReason::Secondary),
            (record.is_supplementary() && !self.keep_supplementary, FilterReason::Supplementary),
            (mate_elsewhere(record) && !self.keep_mates_on_other_contigs, FilterReason::MateOnOtherContig),
            (record.mapq() < self.min_mapping_quality, FilterReason::LowMappingQuality),
        ];
        rules.into_iter().find(|(rejected, _)| *rejected).map(|(_, reason)| reason)
    }
}

/// DeepVariant's `IsReadProperlyPlaced`: a mate without a contig (RNEXT `*`) is not on another one.
fn mate_elsewhere(record: &Record) -> bool {
    let placed = !record.is_mate_unmapped() && record.mtid() >= 0;
    record.is_paired() && !record.is_proper_pair() && placed && record.mtid() != record.tid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(flags: u16, mapq: u8, mate: i32) -> Record {
        let mut record = Record::new();
        record.set_flags(flags);
        record.set_mapq(mapq);
        record.set_tid(0);
        record.set_mtid(mate);
        record
    }

    #[test]
    fn each_flag_has_its_reason() {
        let filter = ReadFilter::default();
        for (flags, reason) in [
            (0x4, FilterReason::Unmapped),
            (0x400, FilterReason::Duplicate),
            (0x200, FilterReason::QualityFail),
            (0x100, FilterReason::Secondary),
            (0x800, FilterReason::Supplementary),
        ] {
            assert_eq!(filter.reject(&record(flags, 60, -1)), Some(reason));
        }
        assert_eq!(filter.reject(&record(0, 60, -1)), None);
    }

    #[test]
    fn mapping_quality_is_inclusive() {
        let filter = ReadFilter::default();
        assert_eq!(filter.reject(&record(0, 4, -1)), Some(FilterReason::LowMappingQuality));
        assert_eq!(filter.reject(&record(0, 5, -1)), None);
    }

    #[test]
    fn a_pair_over_two_contigs_is_used_only_if_proper() {
        let filter = ReadFilter::default();
        assert_eq!(filter.reject(&record(0x1, 60, 3)), Some(FilterReason::MateOnOtherContig));
        assert_eq!(filter.reject(&record(0x1, 60, 0)), None);
        assert_eq!(filter.reject(&record(0x1 | 0x2, 60, 3)), None);
        let keeping = ReadFilter { keep_mates_on_other_contigs: true, ..filter };
        assert_eq!(keeping.reject(&record(0x1, 60, 3)), None);
    }

    #[test]
    fn a_mate_of_unknown_position_is_on_no_other_contig() {
        assert_eq!(ReadFilter::default().reject(&record(0x1, 60, -1)), None);
    }

    #[test]
    fn reasons_are_listed_in_their_own_order() {
        for (i, reason) in FilterReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, i);
        }
    }

    #[test]
    fn settings_are_written_as_models_have_them() {
        let text = serde_json::to_string(&ReadFilter::default()).unwrap();
        assert!(!text.contains("other_contigs"));
        assert_eq!(serde_json::from_str::<ReadFilter>(&text).unwrap(), ReadFilter::default());
    }
}
