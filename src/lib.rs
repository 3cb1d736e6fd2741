//! varpix: a germline small-variant caller that looks at pileup images.
//!
//! ```text
//! BAM/CRAM -> ReadSource -> [ per Region, in parallel: filter -> realign -> count alleles -> candidates -> render ]
//!          -> bounded channel -> Batch -> Classifier (one owner thread) -> Probabilities
//!          -> Reorder (genome order, bounded) -> merge alt sets -> Call -> CallSink -> VCF + index
//! ```
//!
//! A room may use any room listed before it, nothing else; `scripts/check-layers` holds it to that.

/// What reads say at each position.
pub mod alleles;
/// Places that may hold a variant.
pub mod candidates;
/// Images to probabilities; models.
pub mod classify;
/// The command line.
pub mod cli;
/// What can go wrong, as sentences.
pub mod error;
/// Reads, candidates and reference of a region together.
pub mod evidence;
/// What becomes of known variants: candidates, or the reason why not.
pub mod explain;
/// Intervals, contigs, reference bases.
pub mod genome;
/// Probabilities to calls.
pub mod genotype;
/// Models of DeepVariant, brought into our form.
#[cfg(feature = "torch")]
pub mod import;
/// Files that are read: regular ones.
pub mod input;
/// Files that are there whole or not at all.
pub mod output;
/// Candidates as images.
pub mod pileup;
/// All stages at once.
pub mod pipeline;
/// Aligned reads of a region.
pub mod reads;
/// Better alignments for reads in doubtful places.
pub mod realign;
/// The work: pieces of the genome.
pub mod regions;
/// Alleles that are asked for, as candidates.
pub mod sites;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
/// Learning a model from reads with known variants.
#[cfg(feature = "torch")]
pub mod train;
/// Known variants, in a form that candidates can be compared with.
pub mod truth;
/// Records of VCF and BCF files.
pub mod variants;
/// Calls to files.
pub mod vcf;
