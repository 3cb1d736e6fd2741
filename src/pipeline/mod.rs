//! Regions -> calls in a [`CallSink`]: wires the stages of one run.
//!
//! # Threads
//! * `workers` threads of a rayon pool take runs of neighbouring regions in genome order, gather evidence, let the small model
//!   settle what it is sure of and render images of the rest. Neighbours share blocks of the BAM, which are unpacked once a run.
//! * One thread owns the classifier and runs it on batches; on a CPU libtorch has threads of its own.
//! * The calling thread puts results into genome order, merges them to calls and writes them.
//!
//! # Memory
//! At most [`WINDOW`] regions (or two runs a worker, if that is more) are between being begun and being written. Of those, each worker holds the reads of one
//! (at most `max_reads`, and of deeper data 4,096 more while all are counted), and the others hold candidates only. Images wait in a channel of
//! [`WAITING_IMAGES`]. With the WGS model (155 kB an image) that is 10 MB of images and about 2 MB a worker, whatever
//! the genome's size; the network's own memory comes on top.
//!
//! # Order and failures
//! Results depend on neither threads nor timing: reads are sampled by locus, batches are always of one size, calls are
//! written in genome order. The first failure sets a flag that stops all stages; it alone is reported.

mod classifier_thread;
mod reorder;
pub mod stats;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded, unbounded};

use crate::alignment_file::BamFile;
use crate::candidates::Candidate;
use crate::candidates::sites::Sites;
use crate::error::{Error, Result};
use crate::evidence::{Evidence, Gatherer};
use crate::genome::ReferenceFile;
use crate::genotype::{Call, Filter, Ploidy, Resolver};
use crate::model::Model;
use crate::output::{Placement, RealignedBam};
use crate::pileup::{AltSet, PileupImage, alt_sets};
use crate::predict::Probabilities;
use crate::predict::cnn::Classifier;
use crate::predict::small::{Opinion, SmallModel};
use crate::reads::{BamSource, FetchStats};
use crate::regions::{Region, Targets};
use crate::sample::SampleProfile;
use crate::vcf::ReferenceBlock;
use crate::vcf::reference_blocks::blocks;
use crate::vcf::{CallSink, GvcfWriter};
use reorder::{AskedOrder, Reorder};
use stats::{RunStats, Stage, StageTimes};

/// Most regions begun and not yet written. Enough that their images fill batches where candidates are sparse.
pub const WINDOW: usize = 1024;
/// Most regions in a run.
const RUN: usize = 16;
/// Most images between workers and classifier.
pub const WAITING_IMAGES: usize = 64;
/// How long a stage waits before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a run works on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The reference.
    pub reference: &'a ReferenceFile,
    /// The files of the sample's reads.
    pub reads: &'a [BamFile],
    /// What they are like.
    pub sample: SampleProfile,
    /// The regions, numbered from 0 in genome order.
    pub regions: &'a [Region],
    /// Sites to genotype in place of finding candidates.
    pub sites: Option<&'a Arc<Sites>>,
    /// The model whose settings count.
    pub model: &'a Model,
}

/// Where a run's results go.
pub struct Outputs<'a> {
    /// The calls, in genome order.
    pub calls: &'a mut dyn CallSink,
    /// Calls and reference blocks, where they are wanted.
    pub gvcf: Option<&'a mut GvcfWriter>,
    /// The realigned reads, where they are wanted.
    pub realigned: Option<&'a mut RealignedBam>,
}

impl<'a> Outputs<'a> {
    /// Calls and nothing else.
    #[must_use]
    pub fn calls_only(calls: &'a mut dyn CallSink) -> Self {
        Self { calls, gvcf: None, realigned: None }
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
    fn lets_through(self, call: &Call) -> bool {
        let named = match call.filter {
            Filter::Pass => true,
            Filter::RefCall => self.reference_calls && !self.only_pass,
            Filter::NoCall => !self.only_pass,
        };
        named && call.quality >= self.min_quality
    }
}

/// How a run goes about it.
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
    /// Settles candidates before any image of them is drawn, where the model has it and it is wanted.
    pub small_model: Option<&'a SmallModel>,
    /// Set from outside to stop the run.
    pub stop: &'a AtomicBool,
    /// Told of each region once its calls are written.
    pub progress: &'a (dyn Fn(Region) + Sync),
}

/// An image on its way to the classifier.
struct ImageJob {
    region: usize,
    candidate: usize,
    set: AltSet,
    image: PileupImage,
    /// What the small model thinks of the candidate, where it does.
    opinion: Option<Opinion>,
}

/// A message to the thread that writes.
enum Message {
    /// A region's candidates; as many results follow as they have images.
    Gathered {
        region: usize,
        candidates: Vec<Candidate>,
        images: usize,
        fetched: FetchStats,
        realigned: usize,
        placements: Vec<Placement>,
        blocks: Vec<ReferenceBlock>,
    },
    /// The result of one image, or of the small model in its place.
    Classified { region: usize, candidate: usize, set: AltSet, probabilities: Probabilities, settled: bool },
    /// A stage failed.
    Failed(Error),
}

/// Calls the variants of all regions.
///
/// # Errors
/// The first failure of any stage; [`Error::Stopped`] where `options.stop` was set.
pub fn run(inputs: Inputs, classifier: Box<dyn Classifier>, outputs: Outputs, options: RunOptions) -> Result<RunStats> {
    let times = StageTimes::default();
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
    // Short runs where there are few regions, so that all workers have some.
    let run = (inputs.regions.len() / (4 * workers)).clamp(1, RUN);
    let runs = (WINDOW / run).max(2 * workers);
    let (tickets, ticket_queue) = bounded(runs);
    for _ in 0..runs {
        tickets.send(()).map_err(|_| Error::Stopped)?;
    }
    let mut stats = std::thread::scope(|scope| {
        let workers = Workers {
            inputs,
            next: AtomicUsize::new(0),
            run,
            tickets: ticket_queue,
            images,
            messages: messages.clone(),
            ploidy: options.ploidy,
            placements_wanted: outputs.realigned.is_some(),
            quality_bin: outputs.gvcf.is_some().then_some(options.quality_bin),
            small_model: options.small_model,
            times: &times,
            stop,
        };
        scope.spawn(move || pool.broadcast(|_| workers.run()));
        let shape = inputs.model.config.image.shape();
        let times = &times;
        scope.spawn(move || {
            if let Err(error) =
                guarded(|| classifier_thread::run(classifier, shape, &image_queue, &messages, times, stop))
            {
                drop(messages.send(Message::Failed(error)));
            }
        });
        let outcome = collect(inputs, &inbox, (&tickets, run), outputs, options, times, stop);
        halt.store(true, Ordering::Relaxed);
        outcome
    })?;
    stats.wall = started.elapsed();
    stats.times = times;
    Ok(stats)
}

/// The two ways in which a run is told to stop.
#[derive(Clone, Copy)]
struct Stop<'a> {
    outside: &'a AtomicBool,
    inside: &'a AtomicBool,
}

impl Stop<'_> {
    fn is_set(self) -> bool {
        self.outside.load(Ordering::Relaxed) || self.inside.load(Ordering::Relaxed)
    }
}

struct Workers<'a> {
    inputs: Inputs<'a>,
    /// The first region that no worker has taken.
    next: AtomicUsize,
    /// Regions taken at once.
    run: usize,
    /// One for each run that may be under way.
    tickets: Receiver<()>,
    images: Sender<ImageJob>,
    messages: Sender<Message>,
    ploidy: &'a Ploidy,
    placements_wanted: bool,
    /// Set where reference blocks are wanted.
    quality_bin: Option<i32>,
    small_model: Option<&'a SmallModel>,
    times: &'a StageTimes,
    stop: Stop<'a>,
}

impl Workers<'_> {
    fn run(&self) {
        match guarded(|| self.work()) {
            Ok(()) | Err(Error::Stopped) => {}
            Err(error) => drop(self.messages.send(Message::Failed(error))),
        }
    }

    fn work(&self) -> Result<()> {
        let config = &self.inputs.model.config;
        let source = BamSource::open(self.inputs.reads, self.inputs.reference.contigs(), config.evidence.reads())?;
        let reference = self.inputs.reference.open()?;
        let mut gatherer = Gatherer::new(Box::new(source), reference, config.evidence, config.image.clone())
            .counting_empty_regions(self.quality_bin.is_some())
            .genotyping(self.inputs.sites.cloned());
        loop {
            let waiting = Instant::now();
            receive(&self.tickets, self.stop)?;
            self.times.add(Stage::WaitForWindow, waiting.elapsed());
            let first = self.next.fetch_add(self.run, Ordering::Relaxed);
            if first >= self.inputs.regions.len() {
                return Ok(());
            }
            for &region in self.inputs.regions[first..].iter().take(self.run) {
                self.region(&mut gatherer, region)?;
            }
        }
    }

    fn region(&self, gatherer: &mut Gatherer, region: Region) -> Result<()> {
        if self.stop.is_set() {
            return Err(Error::Stopped);
        }
        let fetched = self.times.time(Stage::Read, || gatherer.fetch(region))?;
        let aligned = self.times.time(Stage::Realign, || gatherer.realign(fetched))?;
        let evidence = self.times.time(Stage::Count, || gatherer.count(aligned))?;
        self.announce(region, &evidence)?;
        for (index, candidate) in evidence.candidates.iter().enumerate() {
            let opinion = self.judge(&evidence, candidate);
            if let Some(Opinion { probabilities, settled: true, .. }) = opinion {
                let (region, set) = (region.sequence, AltSet::One(0));
                let message = Message::Classified { region, candidate: index, set, probabilities, settled: true };
                self.messages.send(message).map_err(|_| Error::Stopped)?;
                continue;
            }
            for set in alt_sets(candidate.alts.len()) {
                let image = self.render(&evidence, candidate, set);
                self.send(ImageJob { region: region.sequence, candidate: index, set, image, opinion })?;
            }
        }
        Ok(())
    }

    fn announce(&self, region: Region, evidence: &Evidence) -> Result<()> {
        let message = Message::Gathered {
            region: region.sequence,
            candidates: evidence.candidates.clone(),
            images: evidence.images(),
            fetched: evidence.fetched,
            realigned: evidence.realigned,
            blocks: self.quality_bin.map_or_else(Vec::new, |bin| {
                blocks(region.contig, &evidence.depths, &evidence.reference, self.ploidy, bin)
            }),
            placements: if self.placements_wanted { placements(evidence) } else { Vec::new() },
        };
        self.messages.send(message).map_err(|_| Error::Stopped)
    }

    /// What the small model thinks of a candidate.
    fn judge(&self, evidence: &Evidence, candidate: &Candidate) -> Option<Opinion> {
        let tier = self.small_model?;
        self.times.time(Stage::Settle, || tier.judge(candidate, evidence, self.inputs.sample))
    }

    fn render(&self, evidence: &Evidence, candidate: &Candidate, set: AltSet) -> PileupImage {
        self.times.time(Stage::Render, || evidence.render(&self.inputs.model.config.image, candidate, set))
    }

    /// Sends an image to the classifier, as soon as there is room.
    fn send(&self, mut job: ImageJob) -> Result<()> {
        let waiting = Instant::now();
        loop {
            match self.images.send_timeout(job, PATIENCE) {
                Ok(()) => break,
                Err(SendTimeoutError::Timeout(_)) if self.stop.is_set() => return Err(Error::Stopped),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(Error::Stopped),
            }
        }
        self.times.add(Stage::WaitForClassifier, waiting.elapsed());
        Ok(())
    }
}

fn placements(evidence: &Evidence) -> Vec<Placement> {
    evidence.reads.iter().map(Placement::from).collect()
}

/// Runs a stage; a panic in it becomes an error, since a thread that just vanished would leave the others waiting.
fn guarded(stage: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(stage))
        .unwrap_or_else(|_| Err(Error::Internal("a stage panicked (see above); please report it".into())))
}

fn receive<T>(channel: &Receiver<T>, stop: Stop) -> Result<T> {
    loop {
        match channel.recv_timeout(PATIENCE) {
            Ok(item) => return Ok(item),
            Err(RecvTimeoutError::Timeout) if stop.is_set() => return Err(Error::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Stopped),
        }
    }
}

/// What of a region waits for its calls.
#[derive(Default)]
struct Waiting {
    placements: Vec<Placement>,
    blocks: Vec<ReferenceBlock>,
}

/// Brings results into genome order and writes them, until the last region is written.
fn collect(
    inputs: Inputs,
    inbox: &Receiver<Message>,
    (tickets, run): (&Sender<()>, usize),
    mut outputs: Outputs,
    options: RunOptions,
    times: &StageTimes,
    stop: Stop,
) -> Result<RunStats> {
    let mut stats = RunStats { regions: inputs.regions.len() as u64, ..RunStats::default() };
    let mut reorder = Reorder::default();
    let mut resolver = Resolver::default();
    let mut asked = AskedOrder::default();
    let mut waiting: HashMap<usize, Waiting> = HashMap::new();
    while reorder.written() < inputs.regions.len() {
        let message = receive(inbox, stop).map_err(|e| first_failure(inbox).unwrap_or(e))?;
        let started = Instant::now();
        match message {
            Message::Failed(error) => return Err(error),
            Message::Gathered { region, candidates, images, fetched, realigned, placements, blocks } => {
                stats.reads += fetched;
                stats.realigned += realigned as u64;
                stats.candidates += candidates.len() as u64;
                stats.images += images as u64;
                waiting.insert(region, Waiting { placements, blocks });
                reorder.gathered(region, candidates, images)?;
            }
            Message::Classified { region, candidate, set, probabilities, settled } => {
                stats.settled += u64::from(settled);
                reorder.classified(region, candidate, set, probabilities)?;
            }
        }
        let is_haploid = |candidate: &Candidate| options.ploidy.is_haploid(candidate.contig, candidate.position);
        while let Some((region, calls)) = reorder.next_ready(is_haploid) {
            for call in calls {
                outputs.calls(resolver.push(call), &mut asked, options, &mut stats)?;
            }
            let Waiting { placements, blocks } = waiting.remove(&region).unwrap_or_default();
            if let Some(bam) = &mut outputs.realigned {
                bam.take(inputs.regions, region, &placements)?;
            }
            if let Some(gvcf) = &mut outputs.gvcf {
                gvcf.blocks(blocks);
                let here = inputs.regions[region];
                let end = (here.contig, here.interval.end());
                gvcf.settle(resolver.first_waiting().map_or(end, |call| (call.contig, call.position)))?;
            }
            (options.progress)(inputs.regions[region]);
            if (region + 1).is_multiple_of(run) {
                // Full only when all regions are begun.
                let _ = tickets.try_send(());
            }
        }
        times.add(Stage::Write, started.elapsed());
    }
    outputs.calls(resolver.finish(), &mut asked, options, &mut stats)?;
    Ok(stats)
}

impl Outputs<'_> {
    fn calls(
        &mut self,
        calls: Vec<Call>,
        asked: &mut AskedOrder,
        options: RunOptions,
        stats: &mut RunStats,
    ) -> Result<()> {
        for call in calls.into_iter().flat_map(|call| asked.push(call)) {
            if let Some(gvcf) = &mut self.gvcf {
                gvcf.call(&call);
            }
            if options.within.is_some_and(|targets| !targets.contains(call.contig, call.position)) {
                continue;
            }
            stats.count(&call);
            if options.filter.lets_through(&call) {
                self.calls.write(&call)?;
            }
        }
        Ok(())
    }
}

/// The failure that made the others stop, where one is waiting.
fn first_failure(inbox: &Receiver<Message>) -> Option<Error> {
    inbox.try_iter().find_map(|message| match message {
        Message::Failed(error) => Some(error),
        _ => None,
    })
}
