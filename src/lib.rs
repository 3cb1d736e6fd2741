//! varpix: a germline small-variant caller that classifies pileup images.
//!
//! ```text
//! BAM/CRAM -> checked file -> survey -> SampleProfile (median depth, its variation, artefact rate, slippage)
//!          -> ReadSource -> [ per Region, in parallel: filter -> realign -> count alleles -> candidates ] = Evidence
//!          -> decide: the small model; what it is not sure of is rendered -> bounded channel -> batches -> CNN -> Probabilities
//!          -> Reorder (genome order, bounded) -> merge alternative alleles -> Call -> CallSink -> VCF, gVCF + index
//! ```
//!
//! From a BAM to calls, here with a classifier that needs no libtorch (`predict::cnn::torch::TorchClassifier` loads a model's CNN):
//!
//! ```
//! use varpix::{inputs::Inputs, model::Model, pipeline, predict::Decider, predict::cnn::fixed::SupportClassifier};
//!
//! # fn main() -> varpix::error::Result<()> {
//! let inputs = Inputs::open("testdata/ref.fa".as_ref(), &["testdata/reads.bam".into()], &["chrA:1-20,000".into()])?;
//! let model = Model::find("models/wgs".as_ref())?.config;
//! let regions = inputs.targets().regions(model.evidence.region_size);
//! let mut calls = Vec::new();
//! pipeline::run(
//!     pipeline::RunInputs::new(&inputs, &Decider::default(), &regions, &model),
//!     Box::new(SupportClassifier::new(&model.image)?),
//!     pipeline::Outputs::calls_only(&mut calls),
//!     pipeline::RunOptions::default(),
//! )?;
//! assert!(calls.len() > 10);
//! # Ok(())
//! # }
//! ```
//!
//! A module may use only the modules after it in the list of `scripts/check-layers`; docs/ARCHITECTURE.md describes them.

// BAM and CRAM files that are complete and match their indexes.
pub mod alignment_file;
// Observed alleles and depths at each position.
pub mod alleles;
// Sites that may hold a variant.
pub mod candidates;
// The command line.
pub mod cli;
// Import of models that DeepVariant publishes.
#[cfg(feature = "torch")]
pub mod deepvariant;
// Errors: one sentence each, with the path, locus or name.
pub mod error;
// Reads, candidates and reference of a region together.
pub mod evidence;
// Why a call is what it is; why a known variant is, or is not, a candidate.
pub mod explain;
// Input files that are regular, and output files that are complete or absent.
pub mod files;
// Intervals, contigs, reference bases.
pub mod genome;
// Probabilities to calls.
pub mod genotype;
// Final calls to phased calls, and the haplotypes of their fragments.
pub mod haplotypes;
// A reference, a sample's reads and targets, checked.
pub mod inputs;
// Files of TensorFlow and Keras: variables, small models of DeepVariant's.
pub mod keras;
// Model folders: settings, checksums, search path.
pub mod model;
// Realigned reads as BAM.
pub mod output;
// Haplotypes of long reads.
pub mod phase;
// Pileup images of candidates.
pub mod pileup;
// All stages of a run, connected.
pub mod pipeline;
// Candidates to genotype probabilities: the small model and the CNN.
pub mod predict;
// Aligned reads of a region.
pub mod reads;
// Local realignment: better alignments near indels.
pub mod realign;
// What people and other programs read of a run: a summary, files for MultiQC, a page.
pub mod report;
// Regions of the genome: the units of work.
pub mod regions;
// The profile of a sample: median depth, depth CV, artefact rate.
pub mod sample;
// What is counted of calls and depths.
pub mod statistics;
// How often repeats show a false length in the sample, and what that says of a candidate.
pub mod slippage;
// Builders of reads, references and candidates for tests.
#[cfg(any(test, feature = "testing"))]
pub mod testing;
// Training a model on reads with known variants.
#[cfg(feature = "torch")]
pub mod train;
// Alleles in normal form; variants of VCF and BCF files.
pub mod variant;
// Calls and reference blocks to VCF, BCF and gVCF.
pub mod vcf;
// How much time pieces of the genome will take.
pub mod workload;
