//! Regions -> calls in a [`CallSink`](crate::vcf::CallSink): connects the stages of one run.
//!
//! # Threads
//! * `workers` threads of a rayon pool (`worker`) take runs of neighbouring regions in genome order, gather evidence, decide
//!   ([`decide`](crate::predict::decide)) and render images of what the small model leaves undecided. Neighbours share blocks of the BAM,
//!   which are unpacked once a run.
//! * One thread owns the classifier and runs it on batches; on a CPU libtorch has threads of its own.
//! * The calling thread puts results into genome order, merges them to calls and writes them.
//!
//! # Memory
//! At most [`WINDOW`] regions (or two runs a worker, if that is more) are between being begun and being written. Of those, each worker holds the reads of one
//! (at most `max_reads`, and of deeper data 4,096 more while all are counted; of long reads only what the region needs, docs/ARCHITECTURE.md), and the others hold candidates only. Images wait in a channel of
//! [`WAITING_IMAGES`], and those of a batch until it is classified. With DeepVariant's WGS model (155 kB an image) that is 15 MB of images and about 2 MB a worker, whatever
//! the genome's size; the network's own memory comes on top.
//!
//! # Resuming
//! With [`Checkpoints`] the calling thread notes from time to time how far the outputs are on the disk. A later run with the last of
//! these checkpoints ([`RunOptions::from`]) begins with the first region that is not written.
//!
//! # Phasing
//! With [`RunOptions::phase`] workers list what fragments show at each candidate, and the calling thread phases the calls
//! ([`haplotypes`](crate::haplotypes)), which may hold some back for as long as reads are. Such a run makes marks where none is held back.
//!
//! # Order and failures
//! Results depend on neither threads nor timing: reads are sampled by locus, batches are always of one size, calls are
//! written in genome order. The first failure sets a flag that stops all stages; it alone is reported.

pub(crate) mod checkpoint;
mod classifier_thread;
mod collector;
mod messages;
pub(crate) mod options;
pub mod process;
pub mod region_times;
mod reorder;
pub mod sketches;
pub(crate) mod stats;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam_channel::{bounded, unbounded};

use crate::error::{Error, Result};
use crate::predict::cnn::Classifier;
use crate::regions::DEFAULT_REGION_SIZE;
use collector::{Collector, Measured};
use messages::{Message, Stop, guarded};
use region_times::RegionTimes;
use stats::{RunStats, StageTimes};
use worker::Workers;

pub use checkpoint::{Checkpoint, Checkpoints};
pub use options::{CallFilter, Outputs, RunInputs, RunOptions};

/// Most regions of [`DEFAULT_REGION_SIZE`] begun and not yet written; fewer of larger ones, so that they are as many bp. Enough that their images fill batches where candidates are sparse.
pub const WINDOW: usize = 1024;
/// Most regions in a run.
const RUN: usize = 32;
/// Most images between workers and classifier.
pub const WAITING_IMAGES: usize = 64;

/// How many regions of a size are as many bp as `regions` of the usual size, at least one.
fn regions_at_once(regions: usize, size: u64) -> usize {
    let times = usize::try_from(size.div_ceil(DEFAULT_REGION_SIZE)).unwrap_or(usize::MAX);
    (regions / times.max(1)).max(1)
}

/// Calls the variants of all regions.
///
/// # Errors
/// The first failure of any stage; [`Error::Stopped`] where `options.stop` was set.
pub fn run(
    inputs: RunInputs,
    classifier: Box<dyn Classifier>,
    outputs: Outputs,
    options: RunOptions,
) -> Result<RunStats> {
    let times = options.from.map_or_else(StageTimes::default, |from| from.stats.times.clone());
    let started = Instant::now();
    let workers = options.workers.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|i| format!("region-{i}"))
        .build()
        .map_err(|e| Error::Internal(format!("threads cannot be started: {e}")))?;
    let halt = AtomicBool::new(false);
    let stop = Stop { outside: options.stop, inside: &halt };
    let (messages, inbox) = unbounded();
    let (images, image_queue) = bounded(WAITING_IMAGES);
    let first = options.from.map_or(0, |from| from.region.min(inputs.regions.len()));
    let [window, longest_run] =
        [WINDOW, RUN].map(|regions| regions_at_once(regions, inputs.model.evidence.region_size));
    // Short runs where there are few regions, so that all workers have some.
    let run = ((inputs.regions.len() - first) / (4 * workers)).clamp(1, longest_run);
    let runs = (window / run).max(2 * workers);
    let (tickets, ticket_queue) = bounded(runs);
    for _ in 0..runs {
        tickets.send(()).map_err(|_| Error::Stopped)?;
    }
    let earlier = options.from.and_then(|from| from.stats.details.as_ref());
    let region_times = || earlier.map_or_else(|| RegionTimes::new(inputs.regions.len()), |of| of.regions.clone());
    let region_times = options.detailed.then(|| Mutex::new(region_times()));
    let measured = Measured { times: &times, regions: region_times.as_ref(), started };
    let mut stats = std::thread::scope(|scope| {
        let workers = Workers {
            inputs,
            next: AtomicUsize::new(first),
            run,
            tickets: ticket_queue,
            images,
            messages: messages.clone(),
            ploidy: options.ploidy,
            placements_wanted: outputs.realigned.is_some(),
            fragments_wanted: options.phase.is_some(),
            quality_bin: outputs.gvcf.is_some().then_some(options.quality_bin),
            times: &times,
            within: options.within,
            region_times: region_times.as_ref(),
            sketches: options.sketches,
            stop,
        };
        scope.spawn(move || pool.broadcast(|_| workers.run()));
        let shape = inputs.model.image.shape();
        let kept = (&times, options.sketches);
        scope.spawn(move || {
            if let Err(error) =
                guarded(|| classifier_thread::run(classifier, shape, &image_queue, &messages, kept, stop))
            {
                drop(messages.send(Message::Failed(error)));
            }
        });
        let outcome = Collector::new(inputs, outputs, options, (&tickets, run))
            .and_then(|collector| collector.collect(&inbox, measured, stop));
        halt.store(true, Ordering::Relaxed);
        outcome
    })?;
    measured.add_to(&mut stats);
    Ok(stats)
}
