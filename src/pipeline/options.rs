//! What a run takes: inputs, outputs, options.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use super::checkpoint::{Checkpoint, Checkpoints};
use super::sketches::Sketches;
use crate::candidates::sites::Sites;
use crate::genome::ReferenceFile;
use crate::genotype::{Call, Filter, Ploidy};
use crate::haplotypes::PhaseOptions;
use crate::inputs::Inputs;
use crate::model::ModelConfig;
use crate::output::{HaplotaggedReads, RealignedBam};
use crate::predict::Decider;
use crate::reads::OpenReads;
use crate::regions::{Region, Regions, Targets};
use crate::vcf::reference_blocks::DEFAULT_QUALITY_BIN;
use crate::vcf::{CallSink, GvcfWriter};

/// What a run works on.
#[derive(Clone, Copy)]
pub struct RunInputs<'a> {
    /// The reference.
    pub reference: &'a ReferenceFile,
    /// The sample's reads: [`Inputs`], or reads in memory.
    pub reads: &'a dyn OpenReads,
    /// What decides about candidates before their images.
    pub decider: &'a Decider,
    /// The regions, numbered from 0 in genome order.
    pub regions: &'a Regions,
    /// Sites to genotype in place of finding candidates.
    pub sites: Option<&'a Arc<Sites>>,
    /// The model's settings.
    pub model: &'a ModelConfig,
}

impl<'a> RunInputs<'a> {
    /// Checked inputs, the regions of their targets, and the settings of a model.
    #[must_use]
    pub fn new(inputs: &'a Inputs, decider: &'a Decider, regions: &'a Regions, model: &'a ModelConfig) -> Self {
        Self { reference: inputs.reference(), reads: inputs, decider, regions, sites: None, model }
    }
}

/// Where a run's results go.
pub struct Outputs<'a> {
    /// The calls, in genome order.
    pub calls: &'a mut dyn CallSink,
    /// Calls and reference blocks, where they are wanted.
    pub gvcf: Option<&'a mut GvcfWriter>,
    /// The realigned reads, where they are wanted. They cannot be gone on with.
    pub realigned: Option<&'a mut RealignedBam>,
    /// All reads with their haplotypes, where they are wanted and calls are phased. They cannot be gone on with.
    pub haplotagged: Option<&'a mut HaplotaggedReads>,
    /// Where the run notes what is finished, so that a later one can go on from there.
    pub checkpoints: Option<&'a mut Checkpoints>,
}

impl<'a> Outputs<'a> {
    /// Calls and nothing else.
    #[must_use]
    pub fn calls_only(calls: &'a mut dyn CallSink) -> Self {
        Self { calls, gvcf: None, realigned: None, haplotagged: None, checkpoints: None }
    }
}

/// Which calls are written; a gVCF has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CallFilter {
    /// Candidates that were found to be reference too.
    pub reference_calls: bool,
    /// Only calls that pass.
    pub only_pass: bool,
    /// Only calls of this QUAL or more.
    pub min_quality: f64,
}

impl CallFilter {
    pub(super) fn lets_through(self, call: &Call) -> bool {
        let named = match call.filter {
            Filter::Pass => true,
            Filter::RefCall => self.reference_calls && !self.only_pass,
            Filter::NoCall => !self.only_pass,
        };
        named && call.quality >= self.min_quality
    }
}

/// How a run is done.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// Threads that gather and render.
    pub workers: usize,
    /// Which calls are written.
    pub filter: CallFilter,
    /// Where the calls lie that are written, where that is less than the regions: see [`Targets::context`].
    pub within: Option<&'a Targets>,
    /// Where the sample has one copy.
    pub ploidy: &'a Ploidy,
    /// Values of GQ in a bin of reference blocks.
    pub quality_bin: i32,
    /// Also count depths and measure the time of each region (`Details`).
    pub detailed: bool,
    /// Keeps what pictures of the least certain candidates are drawn from, where they are wanted.
    pub sketches: Option<&'a Sketches>,
    /// Set from outside to stop the run.
    pub stop: &'a AtomicBool,
    /// How calls are phased; not at all where it is not set. Only calls that are written to [`Outputs::calls`] are.
    pub phase: Option<PhaseOptions>,
    /// Where an earlier run of the same inputs, outputs and options stood; the outputs go on from there.
    pub from: Option<&'a Checkpoint>,
    /// Told of each region once its calls are written.
    pub progress: &'a (dyn Fn(Region) + Sync),
    /// Told of each region once its evidence is gathered, in any order: most of its work is done then, though its calls are written later.
    pub gathered: &'a (dyn Fn(Region) + Sync),
}

static NEVER: AtomicBool = AtomicBool::new(false);
static DIPLOID: LazyLock<Ploidy> = LazyLock::new(Ploidy::default);

/// One worker, all calls that are not reference calls, two copies everywhere.
impl Default for RunOptions<'_> {
    fn default() -> Self {
        Self {
            workers: 1,
            filter: CallFilter::default(),
            within: None,
            ploidy: &DIPLOID,
            quality_bin: DEFAULT_QUALITY_BIN,
            detailed: false,
            sketches: None,
            phase: None,
            stop: &NEVER,
            from: None,
            progress: &|_| (),
            gathered: &|_| (),
        }
    }
}
