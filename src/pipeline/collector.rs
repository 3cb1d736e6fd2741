//! Messages of the workers and of the classifier -> calls in genome order, written.

use std::collections::HashMap;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::checkpoint::Checkpoint;
use super::messages::{Message, Stop, receive};
use super::options::{Outputs, RunInputs, RunOptions};
use super::reorder::{AskedOrder, Predicted, Reorder};
use super::stats::{RunStats, Stage, StageTimes};
use crate::error::{Error, Result};
use crate::files::PartState;
use crate::genotype::{Call, CallOptions, Resolver, call};
use crate::output::Placement;
use crate::predict::Predictor;
use crate::reads::FetchStats;
use crate::statistics::CountedCall;
use crate::vcf::ReferenceBlock;

/// What of a region waits for its calls.
#[derive(Default)]
struct Waiting {
    placements: Vec<Placement>,
    blocks: Vec<ReferenceBlock>,
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
    waiting: HashMap<usize, Waiting>,
    /// The first region of this run, and batches that were classified before it.
    first: usize,
    batches_before: u64,
}

impl<'a, 'o> Collector<'a, 'o> {
    pub(super) fn new(
        inputs: RunInputs<'a>,
        outputs: Outputs<'o>,
        options: RunOptions<'a>,
        (tickets, run): (&'a Sender<()>, usize),
    ) -> Self {
        let before = options.from.map_or_else(RunStats::default, |from| from.stats.copied());
        let first = options.from.map_or(0, |from| from.region);
        Self {
            inputs,
            outputs,
            options,
            tickets,
            run,
            first,
            batches_before: before.batches,
            stats: RunStats { regions: inputs.regions.len() as u64, ..before },
            reorder: Reorder::after(first),
            resolver: Resolver::default(),
            asked: AskedOrder::after(options.from.map_or(0, |from| from.sites)),
            waiting: HashMap::new(),
        }
    }

    /// Takes messages until the last region is written.
    pub(super) fn collect(mut self, inbox: &Receiver<Message>, times: &StageTimes, stop: Stop) -> Result<RunStats> {
        while self.reorder.written() < self.inputs.regions.len() {
            let message = receive(inbox, stop).map_err(|e| first_failure(inbox).unwrap_or(e))?;
            times.time(Stage::Write, || {
                self.take(message)?;
                while let Some((region, predicted)) = self.reorder.next_ready() {
                    self.write(region, &predicted)?;
                    self.mark(region, times)?;
                }
                Ok(())
            })?;
        }
        let last = self.resolver.finish();
        self.calls(last)?;
        Ok(self.stats)
    }

    fn take(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Failed(error) => Err(error),
            Message::Gathered { region, candidates, images, fetched, realigned, placements, blocks } => {
                let counts = Counts {
                    reads: fetched,
                    realigned: realigned as u64,
                    candidates: candidates.len() as u64,
                    images: images as u64,
                    ..Counts::default()
                };
                self.waiting.insert(region, Waiting { placements, blocks, counts });
                self.reorder.gathered(region, candidates, images)
            }
            Message::Predicted { region, candidate, set, prediction } => {
                if let Some(Waiting { counts, .. }) = self.waiting.get_mut(&region) {
                    counts.decided += u64::from(!prediction.predictor.is_of_images());
                    counts.by_likelihoods += u64::from(prediction.predictor == Predictor::Likelihoods);
                }
                self.reorder.predicted(region, candidate, set, prediction)
            }
        }
    }

    /// Writes a region whose predecessors are written.
    fn write(&mut self, region: usize, predicted: &[Predicted]) -> Result<()> {
        for (candidate, images, by_images) in predicted {
            let is_haploid = self.options.ploidy.is_haploid(candidate.contig, candidate.position);
            let options = CallOptions { haploid: is_haploid, multi_allelic: self.inputs.model.multi_allelic };
            let call = Call { by_images: *by_images, ..call(candidate, images, options) };
            let calls = self.resolver.push(call);
            self.calls(calls)?;
        }
        let Waiting { placements, blocks, counts } = self.waiting.remove(&region).unwrap_or_default();
        counts.add_to(&mut self.stats);
        if let Some(bam) = &mut self.outputs.realigned {
            bam.take(self.inputs.regions, region, &placements)?;
        }
        let Some(here) = self.inputs.regions.get(region) else {
            return Err(Error::Internal(format!("region {region} is not one of this run")));
        };
        if let Some(gvcf) = &mut self.outputs.gvcf {
            gvcf.blocks(blocks);
            let end = (here.contig, here.interval.end());
            gvcf.settle(self.resolver.first_waiting().map_or(end, |call| (call.contig, call.position)))?;
        }
        (self.options.progress)(here);
        if (region + 1 - self.first).is_multiple_of(self.run) {
            // Full only when all regions are begun.
            let _ = self.tickets.try_send(());
        }
        Ok(())
    }

    /// Makes a mark after a region, where it is time and nothing reaches into the next one.
    fn mark(&mut self, region: usize, times: &StageTimes) -> Result<()> {
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
        self.stats.batches = self.batches_before + times.batches();
        let at = Checkpoint { region: region + 1, sites, parts, ..Checkpoint::default() };
        let kept = checkpoints.keep(&at, (&self.stats, place), begun);
        self.stats.batches = self.batches_before;
        kept
    }

    /// Writes calls whose overlaps are resolved.
    fn calls(&mut self, calls: Vec<Call>) -> Result<()> {
        for call in calls.into_iter().flat_map(|call| self.asked.push(call)) {
            if let Some(gvcf) = &mut self.outputs.gvcf {
                gvcf.call(&call);
            }
            if self.options.within.is_some_and(|targets| !targets.contains(call.contig, call.position)) {
                continue;
            }
            let is_written = self.options.filter.lets_through(&call);
            self.stats.calls.add(&CountedCall::from(&call), is_written);
            if is_written {
                self.outputs.calls.write(&call)?;
            }
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

/// The failure that made the others stop, where one is waiting.
fn first_failure(inbox: &Receiver<Message>) -> Option<Error> {
    inbox.try_iter().find_map(|message| match message {
        Message::Failed(error) => Some(error),
        _ => None,
    })
}
