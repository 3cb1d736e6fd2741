//! What a run says of its inputs, its model and its sample before it begins.

use crate::alignment_file::sample::platforms;
use crate::cli::read_warnings::unlike;
use crate::cli::threads::ThreadSplit;
use crate::inputs::Inputs;
use crate::model::{Model, ModelConfig};
use crate::predict::Decider;
use crate::predict::cnn::Classifier;

/// Logs inputs and threads, for `--verbose`.
pub(super) fn log_setup(model: &Model, inputs: &Inputs, split: ThreadSplit, classifier: &dyn Classifier) {
    let size = model.config.evidence.region_size;
    log::debug!("model: {}, regions of {size} bp at most", model.folder.display());
    log::debug!("reference: {}, {} contig(s)", inputs.reference().path().display(), inputs.reference().contigs().len());
    for file in inputs.reads() {
        log::debug!("reads: {}, index {}", file.path().display(), file.index().display());
    }
    log::debug!(
        "threads: {} to read, realign and count; {} for the network on {}; one to write",
        split.workers,
        split.network,
        classifier.device()
    );
}

/// What is called, with what.
pub(super) fn log_start(sample: &str, model: &Model, bases: u64, regions: usize, (split, device): (ThreadSplit, &str)) {
    let (name, workers) = (&model.config.name, split.workers);
    log::info!(
        "sample {sample}, model {name}, {bases} bp in {regions} regions, {workers} worker(s), network on {device}"
    );
}

/// Logs what the survey found, as far as a model takes it.
pub(super) fn log_profile(decider: &Decider, model: &ModelConfig, inputs: &Inputs) {
    if !decider.takes_profile() {
        return;
    }
    let sample = &decider.sample;
    let depth = if sample.median_depth > 0.0 {
        format!("{:.1}x, CV {:.2}", sample.median_depth, sample.depth_cv)
    } else {
        "unknown".into()
    };
    log::info!("median depth {depth}; artefact rate {:.2}", sample.artefact_rate);
    if decider.tracts {
        let rates = sample.slippage.rates(1, 10);
        let [shorter, longer] = [rates.fewer, rates.more].map(|rate| rate * 100.0);
        log::info!("slippage in homopolymers of 10 bp: {shorter:.1} % shorter, {longer:.1} % longer");
    }
    for warning in unlike(sample, &platforms(inputs.reads()), model) {
        log::warn!("{warning}");
    }
}
