//! What is observed at a candidate ([`Observed`]) -> its [`Features`]: the table of all features, each with its name.
//!
//! A model stores the names of the features that its small model takes, in the order of its inputs ([`FeatureId`]). So a new feature is one
//! line of [`TABLE`], anywhere in it: older models go on with those that they name, and a model that names one that is not here is refused.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::Model;
use crate::predict::small::observed::{Observed, REACH, flag, small};

/// A feature: a number that describes a candidate, scaled to be within about -6 to 6.
struct Feature {
    name: &'static str,
    /// What it is, with its unit.
    about: &'static str,
    value: fn(&Observed) -> f32,
}

const fn feature(name: &'static str, about: &'static str, value: fn(&Observed) -> f32) -> Feature {
    Feature { name, about, value }
}

/// All features that this program computes. "Alt reads" support the allele, "other reads" cover the position without supporting it.
#[rustfmt::skip]
#[allow(clippy::redundant_closure_for_method_calls, reason = "a method's path is of one lifetime, not of any")]
const TABLE: &[Feature] = &[
    // The allele, and its share of the depth (the reads that count for AD and DP).
    feature("is_snp", "substitution: 1, else 0", |o| flag(o.is_snp())),
    feature("is_insertion", "insertion: 1, else 0", |o| flag(o.alt_length() > o.ref_length())),
    feature("is_deletion", "deletion: 1, else 0", |o| flag(o.alt_length() < o.ref_length())),
    feature("indel_length", "ln(1 + bp inserted or deleted)", |o| o.indel_length().ln_1p()),
    feature("depth", "ln(reads), of DP", |o| o.depth().ln()),
    feature("alt_fraction", "share of DP with the allele", |o| o.fraction(o.alt_count)),
    feature("ref_fraction", "share of DP with the reference allele", |o| o.fraction(o.candidate.reference_count)),
    feature("third_fraction", "share of DP with neither", |o| o.third_fraction()),
    // Of a site of several alternative alleles, "the allele" is any of the one or two that an image marks.
    feature("two_alleles", "the image marks two alleles: 1, else 0", |o| flag(o.is_of_two())),
    feature("lesser_fraction", "share of DP with the less common of two marked alleles; 0 of one", |o| o.lesser_fraction()),
    feature("unmarked_alleles", "ln(1 + alternative alleles that are not marked)", |o| small(o.unmarked().count()).ln_1p()),
    feature("unmarked_fraction", "share of DP with the most common of these", |o| o.unmarked_fraction()),
    feature("unmarked_gap", "ln(1 + bp) that the allele, or the first of two, is longer than it; negative where it is shorter", |o| o.unmarked_gap()),
    feature("alt_read_fraction", "alt reads by all reads, whatever their base quality", |o| o.alts.reads / o.reads().max(1.0)),
    feature("hom_ref_likelihood", "ln(likelihood of hom-ref by that of het) / 10", |o| o.likelihood_by_het(0)),
    feature("hom_alt_likelihood", "ln(likelihood of hom-alt by that of het) / 10", |o| o.likelihood_by_het(2)),
    feature("strand_bias", "reverse share of alt less other reads, standard deviations / 4", |o| o.strand_bias()),
    feature("mapping_quality", "MQ: root mean square of the mapping qualities of DP, at most 60, Phred / 60", |o| o.mapping_quality()),
    // Columns of the pileup within 150 bp in which 15 % of the reads, at least two, differ from the reference.
    feature("nearby_columns", "ln(1 + their number)", |o| o.nearby.differing.ln_1p()),
    feature("nearby_highest", "highest share of differing reads", |o| o.nearby.highest),
    feature("nearby_distance", "distance of the nearest, bp / 150; 1 without any", |o| o.nearby.nearest / small(REACH)),
    // The reference around the candidate.
    feature("homopolymer_length", "ln(bp) of the homopolymer after the position", |o| o.repeat_length(1..=1).ln()),
    feature("repeat_length", "ln(bp) of the longest repeat there with a unit of 2 to 4 bp", |o| o.repeat_length(2..=4).ln()),
    feature("equal_neighbours", "neighbouring bases equal to a substitution's alternative: 0 to 2", |o| o.equal_neighbours()),
    feature("is_transition", "transition: 1, else 0", |o| flag(o.is_transition())),
    feature("after_gg", "a substitution after GG on either strand: 0 to 2", |o| o.after_gg()),
    feature("gc_content", "share of G and C within 30 bp", |o| o.gc_content()),
    feature("relative_depth", "ln(reads by the sample's median depth); 0 where that is unknown", |o| o.relative_depth()),
    // The columns again.
    feature("nearby_low_columns", "ln(1 + number of columns with less than 40 % of differing reads)", |o| o.nearby.few_differ.ln_1p()),
    feature("nearby_mean", "mean share of differing reads", |o| o.nearby.mean),
    feature("third_haplotype", "highest share of reads that fit neither of two haplotypes", |o| o.nearby.third),
    feature("third_haplotype_likely", "the same, of columns with 30 % of differing reads", |o| o.nearby.third_beside_likely),
    // The sample.
    feature("artefact_rate", "share of windows of 1 kb with an artefact", |o| o.artefact_rate()),
    feature("depth_cv", "coefficient of variation of the depth", |o| o.depth_cv()),
    // Means over the alt reads.
    feature("alt_reverse", "share on the reverse strand", |o| o.alts.mean(o.alts.reverse)),
    feature("alt_base_quality", "base quality, Phred / 40", |o| o.alts.mean(o.alts.base_quality) / 40.0),
    feature("alt_low_base_quality", "share with a base quality under 20", |o| o.alts.mean(o.alts.low_quality)),
    feature("alt_mapping_quality", "mapping quality, at most 60, Phred / 60", |o| o.alts.mean(o.alts.mapping_quality) / 60.0),
    feature("alt_low_mapping_quality", "share with a mapping quality under 30", |o| o.alts.mean(o.alts.low_mapping)),
    feature("alt_end_distance", "distance from the read's nearer end, at most 60, bp / 60", |o| o.alts.mean(o.alts.end_distance) / 60.0),
    feature("alt_near_end", "share within 8 bp of the read's end", |o| o.alts.mean(o.alts.near_end)),
    feature("alt_mismatches", "other mismatches in the read, at most 10", |o| o.alts.mean(o.alts.mismatches)),
    feature("alt_indels", "other insertions and deletions in the read, at most 3", |o| o.alts.mean(o.alts.indels)),
    feature("alt_clipped", "share with a soft clip of 5 bp or more", |o| o.alts.mean(o.alts.clipped)),
    feature("alt_template_length", "template length, at most 1000, bp / 500", |o| o.alts.mean(o.alts.template) / 500.0),
    feature("alt_odd_template", "share with a template length of 0 or of 1000 bp or more", |o| o.alts.mean(o.alts.odd_template)),
    feature("alt_realigned", "share that local realignment has moved", |o| o.alts.mean(o.alts.moved)),
    // Means over the other reads.
    feature("other_reverse", "share on the reverse strand", |o| o.others.mean(o.others.reverse)),
    feature("other_base_quality", "base quality, Phred / 40", |o| o.others.mean(o.others.base_quality) / 40.0),
    feature("other_low_base_quality", "share with a base quality under 20", |o| o.others.mean(o.others.low_quality)),
    feature("other_mapping_quality", "mapping quality, at most 60, Phred / 60", |o| o.others.mean(o.others.mapping_quality) / 60.0),
    feature("other_low_mapping_quality", "share with a mapping quality under 30", |o| o.others.mean(o.others.low_mapping)),
    feature("other_end_distance", "distance from the read's nearer end, at most 60, bp / 60", |o| o.others.mean(o.others.end_distance) / 60.0),
    feature("other_near_end", "share within 8 bp of the read's end", |o| o.others.mean(o.others.near_end)),
    feature("other_mismatches", "other mismatches in the read, at most 10", |o| o.others.mean(o.others.mismatches)),
    feature("other_indels", "other insertions and deletions in the read, at most 3", |o| o.others.mean(o.others.indels)),
    feature("other_clipped", "share with a soft clip of 5 bp or more", |o| o.others.mean(o.others.clipped)),
    feature("other_template_length", "template length, at most 1000, bp / 500", |o| o.others.mean(o.others.template) / 500.0),
    feature("other_odd_template", "share with a template length of 0 or of 1000 bp or more", |o| o.others.mean(o.others.odd_template)),
    feature("other_realigned", "share that local realignment has moved", |o| o.others.mean(o.others.moved)),
    // The tract (homopolymer or short tandem repeat) that the allele changes, and the slippage of the sample there; 0 outside of one.
    feature("tract", "in a tract: 1, else 0", |o| flag(o.tract.in_tract)),
    feature("tract_hom_ref", "ln(likelihood of hom-ref by the best genotype's) / 8, over all alleles of the site", |o| o.tract_likelihood(0)),
    feature("tract_het", "the same of het", |o| o.tract_likelihood(1)),
    feature("tract_hom_alt", "the same of hom-alt", |o| o.tract_likelihood(2)),
    feature("tract_unit", "length of the unit, bp / 4", |o| small(o.tract.unit) / 4.0),
    feature("tract_copies", "ln(1 + units of the reference)", |o| small(o.tract.copies).ln_1p()),
    feature("tract_shorter", "ln(share of fragments that lose units) / 4", |o| o.slipped(|tract| tract.log_fewer)),
    feature("tract_longer", "ln(share of fragments that gain units) / 4", |o| o.slipped(|tract| tract.log_more)),
    feature("tract_fragments", "ln(1 + fragments that span the tract) / 5", |o| o.tract_fragments()),
    feature("tract_whole_units", "the allele gains or loses whole units: 1, else 0", |o| flag(o.tract.whole_units)),
    feature("tract_alt_share", "share of the fragments as long as the allele, or the first of two", |o| o.tract_share(0)),
    feature("tract_fewer_share", "the same a unit shorter", |o| o.tract_share(1)),
    feature("tract_more_share", "the same a unit longer", |o| o.tract_share(2)),
    feature("tract_ref_share", "share of the fragments as long as the reference", |o| o.tract_share(3)),
    // Haplotypes of the reads, where a model phases them; "first" is the haplotype of whose reads more have the allele, "second" the other one.
    feature("haplotype_phased", "share of the reads that have a haplotype", |o| o.haplotypes.phased_share()),
    feature("haplotype_first", "share of the first's reads with the allele", |o| o.haplotypes.shares()[0]),
    feature("haplotype_second", "share of the second's reads with the allele", |o| o.haplotypes.shares()[1]),
    feature("haplotype_none", "share of the reads without a haplotype that have the allele", |o| o.haplotypes.unphased_share()),
    feature("haplotype_first_reads", "ln(1 + reads of the first)", |o| o.haplotypes.log_reads()[0]),
    feature("haplotype_second_reads", "ln(1 + reads of the second)", |o| o.haplotypes.log_reads()[1]),
    feature("haplotype_hom_ref", "ln(likelihood of hom-ref by that of het, if a haplotype has or lacks the allele as a whole) / 10", |o| o.haplotypes.likelihoods_by_het()[0]),
    feature("haplotype_hom_alt", "the same of hom-alt", |o| o.haplotypes.likelihoods_by_het()[1]),
    feature("haplotype_tract_hom_ref", "tract_hom_ref where the fragments of a haplotype are all of one allele", |o| o.phased_tract_likelihood(0)),
    feature("haplotype_tract_het", "the same of tract_het", |o| o.phased_tract_likelihood(1)),
    feature("haplotype_tract_hom_alt", "the same of tract_hom_alt", |o| o.phased_tract_likelihood(2)),
];

/// What the names of features of tracts begin with; these take some time, so they are computed only where a model takes one.
const OF_TRACTS: [&str; 2] = ["tract", "haplotype_tract"];
/// What the names of features of haplotypes begin with.
const OF_HAPLOTYPES: &str = "haplotype";

const ARTEFACT_RATE: &str = "artefact_rate";

/// How many features there are.
pub const FEATURES: usize = TABLE.len();
/// The line of the feature that is 1 for a substitution, 0 for all else.
const IS_SNP: usize = 0;
/// All features of a candidate, in the order of [`FeatureId::all`].
pub type Features = [f32; FEATURES];

/// One of the features; stored by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeatureId(usize);

impl FeatureId {
    /// All features.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FEATURES).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE[self.0].name
    }

    /// What it is, with its unit.
    #[must_use]
    pub fn about(self) -> &'static str {
        TABLE[self.0].about
    }

    /// Whether it is of the tract that an allele changes.
    #[must_use]
    pub fn is_of_tract(self) -> bool {
        OF_TRACTS.iter().any(|of| self.name().starts_with(of))
    }

    /// What a model learns from: features of haplotypes only where its reads are phased, and the artefact rate only where they are not: of
    /// long reads most windows have a false length, so that it tells how deep the sample is and not how good.
    #[must_use]
    pub fn learned(phased: bool) -> Vec<Self> {
        let wanted = |name: &str| if phased { name != ARTEFACT_RATE } else { !name.starts_with(OF_HAPLOTYPES) };
        Self::all().filter(|feature| wanted(feature.name())).collect()
    }

    /// Those that a model's CNN takes with an image.
    ///
    /// # Errors
    /// [`Error::Model`] for a name that is not known to this version.
    pub fn of_images(model: &Model) -> Result<Vec<Self>> {
        let known = model.config.image_features.iter().cloned().map(Self::try_from).collect::<Result<_, _>>();
        known.map_err(|why| Error::model(model.folder.join("model.json"), format!("image_features: {why}")))
    }

    /// Its value among a candidate's.
    #[must_use]
    pub fn of(self, features: &Features) -> f32 {
        features[self.0]
    }
}

impl TryFrom<String> for FeatureId {
    type Error = String;

    fn try_from(name: String) -> std::result::Result<Self, String> {
        let unknown = || format!("feature '{name}' is not known to this version of varpix");
        TABLE.iter().position(|feature| feature.name == name).map(Self).ok_or_else(unknown)
    }
}

impl From<FeatureId> for String {
    fn from(feature: FeatureId) -> Self {
        feature.name().into()
    }
}

/// Whether these are the features of a substitution.
#[must_use]
pub fn is_snp(features: &Features) -> bool {
    features[IS_SNP] > 0.5
}

/// All features of what is observed at a candidate.
pub(super) fn all(observed: &Observed) -> Features {
    let mut features = [0.0; FEATURES];
    for (value, feature) in features.iter_mut().zip(TABLE) {
        *value = (feature.value)(observed);
    }
    features
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_feature_has_a_name_of_its_own_and_a_description() {
        let names: HashSet<_> = FeatureId::all().map(FeatureId::name).collect();
        assert_eq!(names.len(), FEATURES);
        for feature in FeatureId::all() {
            assert!(feature.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", feature.name());
            assert!(!feature.about().is_empty(), "{}", feature.name());
            assert_eq!(FeatureId::try_from(feature.name().to_owned()), Ok(feature));
        }
        assert_eq!(TABLE[IS_SNP].name, "is_snp");
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(FeatureId::try_from("no_such".to_owned()).unwrap_err().contains("'no_such'"));
    }
}
