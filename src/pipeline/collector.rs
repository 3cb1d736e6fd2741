//! Messages of the workers and of the classifier -> calls in genome order, written.

use std::collections::HashMap;
use std::iter::repeat_with;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::checkpoint::Checkpoint;
use super::messages::{Message, Stop, receive};
use super::options::{Outputs, RunInputs, RunOptions};
use super::process;
use super::region_times::RegionTimes;
use super::reorder::{AskedOrder, Predicted, Reorder};
use super::stats::{Details, Earlier, RunStats, Stage, StageTimes};
use crate::error::{Error, Result};
use crate::evidence::FragmentAllele;
use crate::files::PartState;
use crate::genome::ContigId;
use crate::genotype::{Call, CallOptions, Resolver, call, of_call};
use crate::haplotypes::{Mnps, PhaseOptions, Phased, Phaser};
use crate::output::Placement;
use crate::predict::Predictor;
use crate::reads::FetchStats;
use crate::statistics::{CountedCall, RegionDepths};
use crate::vcf::ReferenceBlock;

/// What of a region waits for its calls.
#[derive(Default)]
struct Waiting {
    placements: Vec<Placement>,
    blocks: Vec<ReferenceBlock>,
    fragments: Vec<Vec<FragmentAllele>>,
    depths: Option<RegionDepths>,
    counts: Counts,
}

/// Counts of a region, part of the run's once it is written.
#[derive(Default)]
struct Counts {
    reads: FetchStats,
    realigned: u64,
    candidates: u64,
    images: u64,
    decided: u64,
    by_likelihoods: u64,
}

/// What the threads of a run measure together.
#[derive(Clone, Copy)]
pub(super) struct Measured<'a> {
    pub(super) times: &'a StageTimes,
    /// Set where depths and the time of regions are wanted.
    pub(super) regions: Option<&'a Mutex<RegionTimes>>,
    /// When this part of the run began.
    pub(super) started: Instant,
}

impl Measured<'_> {
    /// What a run has taken so far, its earlier parts included.
    pub(super) fn add_to(self, stats: &mut RunStats) {
        stats.wall += self.started.elapsed();
        stats.times = self.times.clone();
        stats.batches = self.times.batches();
        if let (Some(regions), Some(details)) = (self.regions, &mut stats.details) {
            details.regions = regions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        }
    }
}

/// Brings results into genome order and writes them.
pub(super) struct Collector<'a, 'o> {
    inputs: RunInputs<'a>,
    outputs: Outputs<'o>,
    options: RunOptions<'a>,
    /// One goes back for each run of regions that is written, and how many regions are in a run.
    tickets: &'a Sender<()>,
    run: usize,
    stats: RunStats,
    reorder: Reorder,
    resolver: Resolver,
    asked: AskedOrder,
    /// Where calls are phased.
    phaser: Option<Phaser>,
    /// Where SNPs are joined.
    mnps: Option<Mnps>,
    waiting: HashMap<usize, Waiting>,
    /// The first region of this part of the run.
    first: usize,
}

impl<'a, 'o> Collector<'a, 'o> {
    pub(super) fn new(
        inputs: RunInputs<'a>,
        outputs: Outputs<'o>,
        options: RunOptions<'a>,
        (tickets, run): (&'a Sender<()>, usize),
    ) -> Result<Self> {
        let before = before(&options)?;
        let first = options.from.map_or(0, |from| from.region);
        let mnps = match options.phase {
            Some(PhaseOptions { join_snps_within: within @ 1.., .. }) => {
                Some(Mnps::new(inputs.reference.open()?, within))
            }
            _ => None,
        };
        Ok(Self {
            inputs,
            outputs,
            options,
            tickets,
            run,
            first,
            stats: RunStats { regions: inputs.regions.len() as u64, ..before },
            reorder: Reorder::after(first),
            resolver: Resolver::default(),
            asked: AskedOrder::after(options.from.map_or(0, |from| from.sites)),
            phaser: options.phase.map(Phaser::new),
            mnps,
            waiting: HashMap::new(),
        })
    }

    /// Takes messages until the last region is written.
    pub(super) fn collect(mut self, inbox: &Receiver<Message>, measured: Measured, stop: Stop) -> Result<RunStats> {
        while self.reorder.written() < self.inputs.regions.len() {
            let message = receive(inbox, stop).map_err(|e| first_failure(inbox).unwrap_or(e))?;
            measured.times.time(Stage::Write, || {
                self.take(message)?;
                while let Some((region, predicted)) = self.reorder.next_ready() {
                    self.write(region, &predicted)?;
                    self.mark(region, measured)?;
                }
                Ok(())
            })?;
        }
        let last = self.resolver.finish();
        self.calls(last)?;
        if let Some(phased) = self.phaser.as_mut().map(Phaser::finish) {
            self.phased(phased)?;
        }
        let last = self.mnps.as_mut().map(Mnps::finish).unwrap_or_default();
        self.in_order(last)?;
        Ok(self.stats)
    }

    fn take(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Failed(error) => Err(error),
            Message::Gathered {
                region,
                candidates,
                images,
                fetched,
                realigned,
                placements,
                blocks,
                fragments,
                depths,
            } => {
                let counts = Counts {
                    reads: fetched,
                    realigned: realigned as u64,
                    candidates: candidates.len() as u64,
                    ..Counts::default()
                };
                if let Some(here) = self.inputs.regions.get(region) {
                    (self.options.gathered)(here);
                }
                self.waiting.insert(region, Waiting { placements, blocks, fragments, depths, counts });
                self.reorder.gathered(region, candidates, images)
            }
            Message::Predicted { region, candidate, set, prediction } => {
                if let Some(Waiting { counts, .. }) = self.waiting.get_mut(&region) {
                    counts.images += u64::from(prediction.predictor.is_of_images());
                    counts.by_likelihoods += u64::from(prediction.predictor == Predictor::Likelihoods);
                }
                self.reorder.predicted(region, candidate, set, prediction)
            }
        }
    }

    /// Writes a region whose predecessors are written.
    fn write(&mut self, region: usize, predicted: &[Predicted]) -> Result<()> {
        let Waiting { placements, blocks, fragments, depths, mut counts } =
            self.waiting.remove(&region).unwrap_or_default();
        counts.decided = predicted.iter().filter(|(.., by_images)| !by_images).count() as u64;
        for ((candidate, images, by_images), shown) in
            predicted.iter().zip(fragments.into_iter().chain(repeat_with(Vec::new)))
        {
            let is_haploid = self.options.ploidy.is_haploid(candidate.contig, candidate.position);
            let options = CallOptions { haploid: is_haploid, multi_allelic: self.inputs.model.multi_allelic };
            let called = call(candidate, images, options);
            let is_variant = called.genotype.is_some_and(|genotype| genotype.alternative_copies() > 0);
            let fragments = if is_variant { of_call(candidate, images, shown) } else { Vec::new() };
            let calls = self.resolver.push(Call { fragments, by_images: *by_images, ..called });
            self.calls(calls)?;
        }
        counts.add_to(&mut self.stats);
        if let (Some(details), Some(depths)) = (&mut self.stats.details, &depths) {
            details.coverage.add(depths);
        }
        if let Some(bam) = &mut self.outputs.realigned {
            bam.take(self.inputs.regions, region, &placements)?;
        }
        let Some(here) = self.inputs.regions.get(region) else {
            return Err(Error::Internal(format!("region {region} is not one of this run")));
        };
        let settled = self.settle((here.contig, here.interval.end()))?;
        if let Some(gvcf) = &mut self.outputs.gvcf {
            gvcf.blocks(blocks);
            gvcf.settle(settled)?;
        }
        (self.options.progress)(here);
        if (region + 1 - self.first).is_multiple_of(self.run) {
            // Full only when all regions are begun.
            let _ = self.tickets.try_send(());
        }
        Ok(())
    }

    /// Writes calls that are final, as all regions before `end` are called. Returns the place before which all calls are written.
    fn settle(&mut self, end: (ContigId, u64)) -> Result<(ContigId, u64)> {
        let start = |call: &Call| (call.contig, call.position);
        let mut settled = self.resolver.first_waiting().map_or(end, start);
        if let Some(phased) = self.phaser.as_mut().map(|phaser| phaser.advance(settled)) {
            self.phased(phased)?;
            settled = self.phaser.as_ref().and_then(Phaser::first_waiting).map_or(settled, start);
        }
        if let Some(reads) = &mut self.outputs.haplotagged {
            reads.advance(settled)?;
        }
        if let Some(done) = self.mnps.as_mut().map(|mnps| mnps.advance(settled)) {
            self.in_order(done)?;
            settled = self.mnps.as_ref().and_then(Mnps::first_waiting).map_or(settled, start);
        }
        Ok(settled)
    }

    /// Makes a mark after a region, where it is time and nothing reaches into the next one.
    fn mark(&mut self, region: usize, measured: Measured) -> Result<()> {
        let is_due = self.outputs.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due());
        let (Some(here), Some(next)) = (self.inputs.regions.get(region), self.inputs.regions.get(region + 1)) else {
            return Ok(());
        };
        let end = (here.contig, here.interval.end());
        let next = (next.contig, next.interval.start());
        if !is_due || !self.resolver.is_apart(next) {
            return Ok(());
        }
        // Given out as they would be with the next call, which overlaps none of them.
        let last = self.resolver.finish();
        self.calls(last)?;
        if !self.is_phased_before(next)? {
            return Ok(());
        }
        let Some(sites) = self.asked.given() else { return Ok(()) };
        if let Some(gvcf) = &mut self.outputs.gvcf
            && !gvcf.is_apart(end, next)?
        {
            return Ok(());
        }
        let begun = Instant::now();
        let mut parts: Vec<PartState> = self.outputs.calls.kept()?.into_iter().collect();
        if let Some(gvcf) = &mut self.outputs.gvcf {
            parts.extend(gvcf.kept()?);
        }
        let Some(checkpoints) = &mut self.outputs.checkpoints else { return Ok(()) };
        let place = format!("{}:{}", self.inputs.reference.contigs().get(end.0).name, end.1 + 1);
        let mut stats = self.stats.kept();
        measured.add_to(&mut stats);
        stats.earlier = with_this(stats.earlier, stats.wall);
        checkpoints.keep(&Checkpoint { region: region + 1, sites, stats, parts }, place, begun)
    }

    /// Writes calls whose phase cannot change, as all that follow begin at `next` or later. True where none waits: what follows is then phased
    /// as in a run that begins there.
    fn is_phased_before(&mut self, next: (ContigId, u64)) -> Result<bool> {
        if let Some(phased) = self.phaser.as_mut().map(|phaser| phaser.advance(next)) {
            self.phased(phased)?;
        }
        if self.phaser.as_ref().and_then(Phaser::first_waiting).is_some() {
            return Ok(false);
        }
        let done = self.mnps.as_mut().map(|mnps| mnps.advance(next)).unwrap_or_default();
        self.in_order(done)?;
        Ok(self.mnps.as_ref().and_then(Mnps::first_waiting).is_none())
    }

    /// Phases and writes calls whose overlaps are resolved.
    fn calls(&mut self, calls: Vec<Call>) -> Result<()> {
        for call in calls {
            match &mut self.phaser {
                Some(phaser) => {
                    let is_written = self.options.filter.lets_through(&call);
                    let done = phaser.push(call, is_written);
                    self.phased(done)?;
                }
                None => self.in_order([call])?,
            }
        }
        Ok(())
    }

    /// Joins and writes calls whose phase is known.
    fn phased(&mut self, phased: Phased) -> Result<()> {
        if let Some(reads) = &mut self.outputs.haplotagged {
            reads.take(phased.fragments);
        }
        for call in phased.calls {
            match &mut self.mnps {
                Some(mnps) => {
                    let is_written = self.options.filter.lets_through(&call);
                    let done = mnps.push(call, is_written)?;
                    self.in_order(done)?;
                }
                None => self.in_order([call])?,
            }
        }
        Ok(())
    }

    /// Writes calls; those that were asked for in the order of the records that did.
    fn in_order(&mut self, calls: impl IntoIterator<Item = Call>) -> Result<()> {
        for call in calls {
            self.asked.push(call).into_iter().try_for_each(|call| self.write_call(call))?;
        }
        Ok(())
    }

    fn write_call(&mut self, mut call: Call) -> Result<()> {
        // Many bytes, which nobody needs any more.
        call.fragments = Vec::new();
        if let Some(gvcf) = &mut self.outputs.gvcf {
            gvcf.call(&call);
        }
        if self.options.within.is_some_and(|targets| !targets.contains(call.contig, call.position)) {
            return Ok(());
        }
        let is_written = self.options.filter.lets_through(&call);
        self.stats.calls.add(&CountedCall::from(&call), is_written);
        if is_written {
            self.outputs.calls.write(&call)?;
        }
        Ok(())
    }
}

impl Counts {
    fn add_to(self, stats: &mut RunStats) {
        stats.reads += self.reads;
        stats.realigned += self.realigned;
        stats.candidates += self.candidates;
        stats.images += self.images;
        stats.decided += self.decided;
        stats.by_likelihoods += self.by_likelihoods;
    }
}

/// Counts of the earlier parts of a run.
fn before(options: &RunOptions) -> Result<RunStats> {
    let Some(from) = options.from else {
        return Ok(RunStats { details: options.detailed.then(Details::default), ..RunStats::default() });
    };
    let Earlier { runs, .. } = from.stats.earlier;
    let earlier = Earlier { runs: runs + 1, regions: from.region as u64, ..from.stats.earlier };
    let details = from.stats.details.clone().filter(|_| options.detailed);
    if options.detailed && details.is_none() {
        return Err(Error::Internal("the earlier part of this run counted no depths".into()));
    }
    Ok(RunStats { earlier, details, ..from.stats.clone() })
}

/// What the parts of a run up to this one have taken, to be told to the next.
fn with_this(before: Earlier, wall: Duration) -> Earlier {
    let peak_memory = before.peak_memory.max(process::peak_memory());
    Earlier { wall, cpu: before.cpu + process::cpu_time(), peak_memory, ..before }
}

/// The failure that made the others stop, where one is waiting.
fn first_failure(inbox: &Receiver<Message>) -> Option<Error> {
    inbox.try_iter().find_map(|message| match message {
        Message::Failed(error) => Some(error),
        _ => None,
    })
}
