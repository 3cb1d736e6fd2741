//! What a run does at a site, in order: [`Story`]. `varpix explain --json` writes it as it is here.

use serde::Serialize;

use super::relevance::Relevance;

/// Names of the genotypes of both models.
pub(super) const GENOTYPES: [&str; 3] = ["hom-ref", "het", "hom-alt"];

/// A site.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// Its contig.
    pub chrom: String,
    /// Its position, 1-based.
    pub pos: u64,
    /// The reference base there.
    pub reference: String,
    /// The records of the reads files.
    pub reads: ReadsStory,
    /// Local realignment.
    pub realignment: RealignmentStory,
    /// What the reads show.
    pub alleles: AllelesStory,
    /// The candidate, if there is one.
    pub candidate: Option<CandidateStory>,
    /// What the small model says; none where it was not asked.
    pub small_model: Option<SmallModelStory>,
    /// Where there are several alternative alleles, those of which the small model decides alone.
    pub decided: Vec<DecidedStory>,
    /// What the CNN says of each image; none where the candidate needed no image.
    pub images: Vec<ImageStory>,
    /// How the models' probabilities become those of genotypes; none without a candidate.
    pub merging: Option<MergingStory>,
    /// What calls of overlapping sites change.
    pub overlaps: Option<OverlapStory>,
    /// The call; none without a candidate.
    pub call: Option<CallStory>,
    /// What becomes of the site, in a sentence.
    pub outcome: String,
}

/// Records over a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadsStory {
    /// The region that the site is processed with: `contig:start-end`, 1-based, inclusive.
    pub region: String,
    /// Records that overlap the region.
    pub of_region: u64,
    /// Of the region's usable records, those dropped over the cap.
    pub sampled_out_of_region: u64,
    /// Records whose alignment in the file overlaps the site.
    pub over_site: u64,
    /// Of these, those left out, by reason.
    pub left_out: Vec<(String, u64)>,
    /// Of these, those without alignment or sequence.
    pub unusable: u64,
    /// Reads over the site that are used, with their final alignments.
    pub used: usize,
}

/// Local realignment around a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RealignmentStory {
    /// Whether the model realigns reads.
    pub enabled: bool,
    /// The window over the site, if reads differ from the reference near it: `contig:start-end`.
    pub window: Option<String>,
    /// Its haplotypes that reads were aligned to, the best supported first, each by its differences from the reference; none where
    /// no alignment could improve.
    pub haplotypes: Vec<String>,
    /// Reads over the site whose alignment was changed.
    pub moved: usize,
}

/// What reads show at a site.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AllelesStory {
    /// Reads that count (DP).
    pub depth: u32,
    /// Of these, those with the reference base.
    pub reference: u32,
    /// Of these, those on the reverse strand.
    pub reference_reverse: u32,
    /// Reads with the reference base of too low a base quality to count.
    pub low_quality_reference: u32,
    /// Other alleles, the most frequent first.
    pub others: Vec<AlleleStory>,
}

/// An allele that reads show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlleleStory {
    /// `A>C`, `+TT`, `-ACG`, `clip`.
    pub allele: String,
    /// Reads that count.
    pub reads: u32,
    /// Of these, those on the reverse strand.
    pub reverse: u32,
    /// Share of the depth.
    pub share: f64,
    /// Reads that show it and do not count: of low base quality, or repeated records.
    pub low_quality: u32,
    /// Whether it is an allele of a candidate.
    pub is_candidate: bool,
    /// Why it is one, or why not.
    pub reason: String,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateStory {
    /// Position of the reference allele, 1-based.
    pub pos: u64,
    /// Reference allele.
    pub reference: String,
    /// Alternative alleles.
    pub alternatives: Vec<String>,
    /// Reads that count for the reference, then for each alternative.
    pub allele_depths: Vec<u32>,
    /// Reads that count.
    pub depth: u32,
}

/// What the small model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmallModelStory {
    /// Whether it decides, and why not.
    pub verdict: String,
    /// Hom-ref, het, hom-alt; not there where it does not speak.
    pub probabilities: Option<[f64; 3]>,
    /// Its certainty, Phred.
    pub certainty: Option<f64>,
    /// The certainty from which on it decides alone, Phred.
    pub needed: Option<f64>,
    /// The two genotypes that contributions are between: the most probable and the second.
    pub between: Option<[&'static str; 2]>,
    /// Sum of all contributions and of the mean candidate's own value, in nats.
    pub difference: Option<f64>,
    /// The same for a candidate whose features are all at the mean of the training data.
    pub at_the_mean: Option<f64>,
    /// The features that it takes, those that contribute most first.
    pub features: Vec<FeatureStory>,
}

/// A feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureStory {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// Its value.
    pub value: f64,
    /// The value in standard deviations from the mean of the training data.
    pub deviations: f64,
    /// Its share of the difference between the two genotypes, by integrated gradients from the mean, nats; positive towards the
    /// most probable one.
    pub contribution: f64,
    /// What the difference loses where the feature alone is set to its mean, nats.
    pub if_replaced: f64,
}

/// Alleles that the small model decides about alone, at a site of several alternative ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecidedStory {
    /// The alternative alleles that an image of them would mark.
    pub alleles: Vec<String>,
    /// Hom-ref, het, hom-alt.
    pub probabilities: [f64; 3],
}

/// What the CNN says of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageStory {
    /// The alternative alleles that it marks.
    pub alleles: Vec<String>,
    /// Reads with a row.
    pub rows: usize,
    /// The CNN's: hom-ref, het, hom-alt.
    pub cnn: [f64; 3],
    /// The small model's, where both speak.
    pub small_model: Option<[f64; 3]>,
    /// The weight of the CNN beside it.
    pub weight: Option<f64>,
    /// The joint probabilities.
    pub joint: [f64; 3],
    /// Whether hom-alt is impossible, as the other haplotype has a deletion there.
    pub one_copy: bool,
    /// What which channels, reads and columns spoke for; none of a CNN without gradients.
    pub relevance: Option<Relevance>,
}

/// Genotypes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergingStory {
    /// What decided: `small_model`, `cnn`, `small_model+cnn` or `likelihoods`.
    pub decided_by: String,
    /// Alternative alleles that are kept.
    pub kept: Vec<String>,
    /// Alternative alleles that are dropped, as their QUAL is under 1.
    pub dropped: Vec<String>,
    /// Probability of each genotype of the kept alleles, in VCF's order.
    pub genotypes: Vec<(String, f64)>,
}

/// Calls of overlapping sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OverlapStory {
    /// Calls whose alleles overlap the site's, as `pos ref>alt gt`.
    pub others: Vec<String>,
    /// GT before, where they change it.
    pub before: Option<String>,
}

/// The call, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallStory {
    /// POS.
    pub pos: u64,
    /// REF.
    pub reference: String,
    /// ALT.
    pub alternatives: Vec<String>,
    /// GT.
    pub genotype: String,
    /// GQ, Phred.
    pub genotype_quality: i32,
    /// QUAL, Phred.
    pub quality: f64,
    /// FILTER.
    pub filter: &'static str,
    /// AD.
    pub allele_depths: Vec<u32>,
    /// DP.
    pub depth: u32,
    /// PL.
    pub phred_likelihoods: Vec<i32>,
}
