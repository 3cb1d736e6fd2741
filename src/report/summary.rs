//! The content of `--summary`, whose schema is docs/summary.schema.json.
//!
//! All that depends on the machine, on time, on the number of threads or on where outputs go is in [`Run`], so that the rest is the same, byte
//! for byte, for the same inputs and options.

use std::collections::BTreeMap;

use serde::Serialize as Derive;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::error::{Error, Result};
use crate::statistics::Histogram;

/// Version of the schema: the first number changes where a field is removed or changes its meaning, the second where one is added.
pub const SCHEMA_VERSION: &str = "1.1";

/// Values with their names, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named<T>(pub Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<T> Named<T> {
    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(of, _)| *of == name).map(|(_, value)| value)
    }
}

/// A run, or a VCF.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// What made it.
    pub program: Program,
    /// The command: `call` or `report`.
    pub command: &'static str,
    /// The sample's name.
    pub sample: String,
    /// The model; not known of a VCF of another program.
    pub model: Option<ModelUsed>,
    /// What was read.
    pub inputs: Inputs,
    /// Options that change the calls; of a run only.
    pub options: Option<Options>,
    /// What the survey of the sample found; of a run whose model takes it.
    pub survey: Option<Survey>,
    /// Records read and left out; of a run only.
    pub reads: Option<Reads>,
    /// Candidates, by what decided; of a run only.
    pub candidates: Option<Candidates>,
    /// Depths of the positions called; of a run only.
    pub coverage: Option<CoverageFigures>,
    /// The calls.
    pub calls: Calls,
    /// Warnings in the order in which they were given.
    pub warnings: Vec<String>,
    /// What depends on the machine, on time and on where outputs go; of a run only.
    pub run: Option<Run>,
}

impl Summary {
    /// The file's content.
    ///
    /// # Errors
    /// [`Error::Internal`] where it cannot be written as JSON.
    pub fn json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self).map_err(|e| Error::Internal(format!("summary: {e}")))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// The program.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Program {
    /// `varpix`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from, if known.
    pub commit: Option<&'static str>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ModelUsed {
    /// Its name.
    pub name: String,
    /// SHA-256 of the CNN's weights.
    pub sha256: String,
}

/// Input files and regions.
#[derive(Clone, Debug, Default, PartialEq, Derive)]
pub struct Inputs {
    /// The FASTA.
    pub reference: Option<ReferenceInput>,
    /// The sample's files.
    pub reads: Vec<ReadsInput>,
    /// What was called.
    pub regions: Option<Regions>,
    /// The VCF that `varpix report` read.
    pub vcf: Option<InputFile>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct InputFile {
    /// Its path as given.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// An index; small enough for a checksum.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct IndexFile {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// The FASTA.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ReferenceInput {
    /// Its path and size.
    #[serde(flatten)]
    pub file: InputFile,
    /// Number of its contigs.
    pub contigs: usize,
    /// Their length in bp.
    pub bases: u64,
    /// Its `.fai`, whose checksum stands for names and lengths of the contigs.
    pub index: IndexFile,
}

/// A file of reads.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ReadsInput {
    /// Its path and size.
    #[serde(flatten)]
    pub file: InputFile,
    /// `BAM` or `CRAM`.
    pub format: &'static str,
    /// Its index.
    pub index: IndexFile,
}

/// What was called.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Regions {
    /// `--regions` as given; none for the whole reference.
    pub given: Vec<String>,
    /// Intervals that these are, joined where they touch.
    pub intervals: usize,
    /// Their length in bp.
    pub bases: u64,
    /// `--chunk`.
    pub chunk: Option<String>,
    /// `--genotype-sites`.
    pub sites: Option<String>,
}

/// Options that change the calls.
#[derive(Clone, Debug, PartialEq, Derive)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// Whether the small model is used.
    pub small_model: bool,
    /// Whether reads are realigned.
    pub realign: bool,
    /// Lowest MAPQ of a read that is used, Phred.
    pub min_mapping_quality: u8,
    /// `--keep-duplicates`.
    pub keep_duplicates: bool,
    /// `--keep-secondary`.
    pub keep_secondary: bool,
    /// `--keep-supplementary`.
    pub keep_supplementary: bool,
    /// `--keep-mates-on-other-contigs`.
    pub keep_mates_on_other_contigs: bool,
    /// `--haploid-contigs`.
    pub haploid_contigs: Vec<String>,
    /// `--par-regions`.
    pub par_regions: Option<String>,
    /// `--emit-ref-calls`.
    pub emit_ref_calls: bool,
    /// `--only-pass`.
    pub only_pass: bool,
    /// `--min-qual`, Phred.
    pub min_qual: f64,
    /// Whether a gVCF is written.
    pub gvcf: bool,
}

/// What the survey found.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Survey {
    /// Median depth of diploid positions, in reads; not known where depths vary as those of targets do.
    pub median_depth: Option<f64>,
    /// Coefficient of variation of the depth beyond chance.
    pub depth_cv: f64,
    /// Share of windows of 1 kb with an artefact.
    pub artefact_rate: f64,
    /// Median length of the reads, bp.
    pub read_length: u32,
    /// Share of spliced alignments.
    pub spliced: f64,
    /// Share of fragments that show a tract too short or too long, at some lengths; none where no model takes it.
    pub slippage: Vec<SlippageAt>,
}

/// Slippage in tracts of one unit and length.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct SlippageAt {
    /// Length of the unit, bp.
    pub unit: usize,
    /// Units of the tract.
    pub copies: usize,
    /// Share of fragments with fewer units.
    pub shorter: f64,
    /// Share of fragments with more units.
    pub longer: f64,
}

/// Records of the reads files, counted per region.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Reads {
    /// Records that overlap a region.
    pub records: u64,
    /// Records left out by flags or MAPQ, by reason.
    pub left_out: Named<u64>,
    /// Records without a usable alignment or sequence.
    pub unusable: u64,
    /// Records dropped over the cap of a region.
    pub sampled_out: u64,
    /// Reads kept that have bases of unknown quality.
    pub without_qualities: u64,
    /// Reads whose alignment was changed.
    pub realigned: u64,
}

/// Candidates.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Candidates {
    /// All of them.
    pub all: u64,
    /// Those that the small model decided, or the likelihoods of their reads.
    pub without_image: u64,
    /// Of these, those that the likelihoods of their reads decided.
    pub by_likelihoods: u64,
    /// Images that the CNN classified.
    pub images: u64,
}

/// Depths of the positions called, those of unknown reference aside.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct CoverageFigures {
    /// Number of positions.
    pub positions: u64,
    /// Mean depth, reads.
    pub mean: f64,
    /// Median depth, reads.
    pub median: usize,
    /// Share of positions with at least that many reads.
    pub share_from: Named<f64>,
    /// Positions by depth.
    pub histogram: Histogram,
    /// The same of each contig.
    pub contigs: Vec<ContigCoverage>,
}

/// Depths of a contig.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ContigCoverage {
    /// Its name.
    pub name: String,
    /// Positions called.
    pub positions: u64,
    /// Their mean depth, reads.
    pub mean: f64,
}

/// What is counted of calls. Other than in `filters`, variants are calls with FILTER PASS that are written.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Calls {
    /// Calls by FILTER, also those that are not written.
    pub filters: Named<u64>,
    /// Calls written.
    pub written: u64,
    /// Variants by type.
    pub types: Named<u64>,
    /// Variants with several alternative alleles.
    pub multiallelic: u64,
    /// Variants by class and genotype.
    pub genotypes: Named<Named<u64>>,
    /// Het by hom-alt genotypes; not there without the latter.
    pub het_hom_ratio: Named<Option<f64>>,
    /// Substitutions, as `A>C`.
    pub substitutions: BTreeMap<String, u64>,
    /// A<>G and C<>T.
    pub transitions: u64,
    /// All other substitutions.
    pub transversions: u64,
    /// Transitions by transversions; not there without the latter.
    pub ti_tv: Option<f64>,
    /// Number of indels by bp inserted or deleted (negative), ascending.
    pub indel_lengths: Vec<(i64, u64)>,
    /// Histograms.
    pub histograms: Histograms,
    /// Variants by contig.
    pub contigs: Vec<ContigCalls>,
    /// Calls of the lowest GQ.
    pub least_certain: LeastCertain,
}

/// Histograms by class.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Histograms {
    /// QUAL, Phred, of variants and of candidates called hom-ref.
    pub qual: Named<Histogram>,
    /// GQ, Phred.
    pub gq: Named<Histogram>,
    /// DP, reads.
    pub dp: Named<Histogram>,
    /// VAF of alternative alleles, by genotype.
    pub vaf: Named<Histogram>,
}

/// Variants of a contig.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ContigCalls {
    /// Its name.
    pub name: String,
    /// Its variants.
    pub variants: u64,
}

/// Calls of the lowest GQ, the least certain first.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct LeastCertain {
    /// Variants.
    pub variants: Vec<ListedCall>,
    /// Candidates called hom-ref.
    pub reference_calls: Vec<ListedCall>,
}

/// A call, as in VCF.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct ListedCall {
    /// CHROM.
    pub chrom: String,
    /// POS, 1-based.
    pub pos: u64,
    /// REF.
    #[serde(rename = "ref")]
    pub reference: String,
    /// ALT.
    pub alt: Vec<String>,
    /// GT.
    pub gt: String,
    /// GQ, Phred.
    pub gq: i32,
    /// QUAL, Phred.
    pub qual: f64,
    /// DP, reads.
    pub dp: u32,
    /// AD, reads.
    pub ad: Vec<u32>,
    /// FILTER.
    pub filter: &'static str,
}

/// How and where the run was done.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Run {
    /// The command line.
    pub command_line: Vec<String>,
    /// When it was started: RFC 3339, UTC.
    pub started: String,
    /// Set where the run went on from what an earlier one had finished. Times are then sums over all parts of the run.
    pub resumed: Option<Resumed>,
    /// Time from the first region to the last, seconds.
    pub calling_s: f64,
    /// Time from the start of the program, seconds; of earlier parts, that from their first region on.
    pub wall_s: f64,
    /// CPU time of all threads, seconds.
    pub cpu_s: f64,
    /// Highest resident memory, bytes, of any part; not known where /proc is not there.
    pub peak_memory_bytes: Option<u64>,
    /// Threads.
    pub threads: Threads,
    /// What the CNN ran on.
    pub device: String,
    /// Batches that the CNN classified.
    pub batches: u64,
    /// Time of each stage, summed over its threads, waiting included.
    pub stages: Vec<StageTime>,
    /// Time that workers spent on the regions.
    pub regions: RegionsTime,
    /// Files that were written.
    pub outputs: Vec<String>,
}

/// What a run that was resumed found.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct Resumed {
    /// How many times the run was resumed.
    pub times: u64,
    /// Regions that were found finished the last time.
    pub regions_done: u64,
    /// All regions.
    pub regions: u64,
    /// Calling time of the earlier parts, seconds, up to where they were gone on from.
    pub calling_before_s: f64,
}

/// Threads of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Derive)]
pub struct Threads {
    /// Workers.
    pub workers: usize,
    /// Of the CNN.
    pub network: usize,
}

/// Time of a stage.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct StageTime {
    /// Its name.
    pub name: &'static str,
    /// Seconds.
    pub seconds: f64,
}

/// Time by region.
#[derive(Clone, Debug, Default, PartialEq, Derive)]
pub struct RegionsTime {
    /// Parts of the run, in genome order: where each begins, and seconds of the workers.
    pub parts: Vec<PlaceTime>,
    /// The regions that took longest.
    pub slowest: Vec<PlaceTime>,
}

/// Time of a place.
#[derive(Clone, Debug, PartialEq, Derive)]
pub struct PlaceTime {
    /// `contig:start-end`, 1-based, inclusive; of a part, its first region.
    pub region: String,
    /// Seconds.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_values_keep_their_order() {
        let named = Named(vec![("b", 1), ("a", 2)]);
        assert_eq!(serde_json::to_string(&named).unwrap(), r#"{"b":1,"a":2}"#);
        assert_eq!((named.get("a"), named.get("c")), (Some(&2), None));
    }
}
