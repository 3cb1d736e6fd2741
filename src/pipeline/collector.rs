//! Messages of the workers and of the classifier -> calls in genome order, written.

use std::collections::HashMap;
use std::iter::repeat_with;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::checkpoint::Checkpoint;
use super::messages::{Message, Stop, receive};
use super::options::{Outputs, RunInputs, RunOptions};
use super::reorder::{AskedOrder, Predicted, Reorder};
use super::stats::{RunStats, Stage, StageTimes};
use crate::error::{Error, Result};
use crate::evidence::FragmentAllele;
use crate::files::PartState;
use crate::genome::ContigId;
use crate::genotype::{Call, CallOptions, Resolver, call, of_call};
use crate::haplotypes::{Mnps, PhaseOptions, Phased, Phaser};
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
    fragments: Vec<Vec<FragmentAllele>>,
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
    /// Where calls are phased.
    phaser: Option<Phaser>,
    /// Where SNPs are joined.
    mnps: Option<Mnps>,
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
    ) -> Result<Self> {
        let before = options.from.map_or_else(RunStats::default, |from| from.stats.copied());
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
            batches_before: before.batches,
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
        if let Some(phased) = self.phaser.as_mut().map(Phaser::finish) {
            self.phased(phased)?;
        }
        let last = self.mnps.as_mut().map(Mnps::finish).unwrap_or_default();
        last.into_iter().try_for_each(|call| self.write_call(call))?;
        Ok(self.stats)
    }

    fn take(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Failed(error) => Err(error),
            Message::Gathered { region, candidates, images, fetched, realigned, placements, blocks, fragments } => {
                let counts = Counts {
                    reads: fetched,
                    realigned: realigned as u64,
                    candidates: candidates.len() as u64,
                    images: images as u64,
                    ..Counts::default()
                };
                self.waiting.insert(region, Waiting { placements, blocks, fragments, counts });
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
        let Waiting { placements, blocks, fragments, counts } = self.waiting.remove(&region).unwrap_or_default();
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
            done.into_iter().try_for_each(|call| self.write_call(call))?;
            settled = self.mnps.as_ref().and_then(Mnps::first_waiting).map_or(settled, start);
        }
        Ok(settled)
    }

    /// Makes a mark after a region, where it is time and nothing reaches into the next one.
    fn mark(&mut self, region: usize, times: &StageTimes) -> Result<()> {
        let is_due = self.outputs.checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.is_due());
        let (Some(here), Some(next)) = (self.inputs.regions.get(region), self.inputs.regions.get(region + 1)) else {
            return Ok(());
        };
        let end = (here.contig, here.interval.end());
        let next = (next.contig, next.interval.start());
        // Phase sets reach on nearly everywhere.
        if !is_due || self.phaser.is_some() || !self.resolver.is_apart(next) {
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

    /// Phases and writes calls whose overlaps are resolved.
    fn calls(&mut self, calls: Vec<Call>) -> Result<()> {
        for call in calls {
            for call in self.asked.push(call) {
                match &mut self.phaser {
                    Some(phaser) => {
                        let is_written = self.options.filter.lets_through(&call);
                        let done = phaser.push(call, is_written);
                        self.phased(done)?;
                    }
                    None => self.write_call(call)?,
                }
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
                    done.into_iter().try_for_each(|call| self.write_call(call))?;
                }
                None => self.write_call(call)?,
            }
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

/// The failure that made the others stop, where one is waiting.
fn first_failure(inbox: &Receiver<Message>) -> Option<Error> {
    inbox.try_iter().find_map(|message| match message {
        Message::Failed(error) => Some(error),
        _ => None,
    })
}
