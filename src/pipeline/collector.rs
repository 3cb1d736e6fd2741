//! Messages of the workers and of the classifier -> calls in genome order, written.

use std::collections::HashMap;

use crossbeam_channel::{Receiver, Sender};

use super::messages::{Message, Stop, receive};
use super::options::{Outputs, RunInputs, RunOptions};
use super::reorder::{AskedOrder, Reorder};
use super::stats::{RunStats, Stage, StageTimes};
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::genotype::{BySet, Call, Resolver, call};
use crate::output::Placement;
use crate::predict::Predictor;
use crate::statistics::CountedCall;
use crate::vcf::ReferenceBlock;

/// What of a region waits for its calls.
#[derive(Default)]
struct Waiting {
    placements: Vec<Placement>,
    blocks: Vec<ReferenceBlock>,
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
}

impl<'a, 'o> Collector<'a, 'o> {
    pub(super) fn new(
        inputs: RunInputs<'a>,
        outputs: Outputs<'o>,
        options: RunOptions<'a>,
        (tickets, run): (&'a Sender<()>, usize),
    ) -> Self {
        Self {
            inputs,
            outputs,
            options,
            tickets,
            run,
            stats: RunStats { regions: inputs.regions.len() as u64, ..RunStats::default() },
            reorder: Reorder::default(),
            resolver: Resolver::default(),
            asked: AskedOrder::default(),
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
                self.stats.reads += fetched;
                self.stats.realigned += realigned as u64;
                self.stats.candidates += candidates.len() as u64;
                self.stats.images += images as u64;
                self.waiting.insert(region, Waiting { placements, blocks });
                self.reorder.gathered(region, candidates, images)
            }
            Message::Predicted { region, candidate, set, prediction } => {
                let without_image = matches!(prediction.predictor, Predictor::SmallModel | Predictor::Likelihoods);
                self.stats.decided += u64::from(without_image);
                self.stats.by_likelihoods += u64::from(prediction.predictor == Predictor::Likelihoods);
                self.reorder.predicted(region, candidate, set, prediction)
            }
        }
    }

    /// Writes a region whose predecessors are written.
    fn write(&mut self, region: usize, predicted: &[(Candidate, BySet)]) -> Result<()> {
        for (candidate, images) in predicted {
            let is_haploid = self.options.ploidy.is_haploid(candidate.contig, candidate.position);
            let calls = self.resolver.push(call(candidate, images, is_haploid));
            self.calls(calls)?;
        }
        let Waiting { placements, blocks } = self.waiting.remove(&region).unwrap_or_default();
        if let Some(bam) = &mut self.outputs.realigned {
            bam.take(self.inputs.regions, region, &placements)?;
        }
        let here = self.inputs.regions[region];
        if let Some(gvcf) = &mut self.outputs.gvcf {
            gvcf.blocks(blocks);
            let end = (here.contig, here.interval.end());
            gvcf.settle(self.resolver.first_waiting().map_or(end, |call| (call.contig, call.position)))?;
        }
        (self.options.progress)(here);
        if (region + 1).is_multiple_of(self.run) {
            // Full only when all regions are begun.
            let _ = self.tickets.try_send(());
        }
        Ok(())
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

/// The failure that made the others stop, where one is waiting.
fn first_failure(inbox: &Receiver<Message>) -> Option<Error> {
    inbox.try_iter().find_map(|message| match message {
        Message::Failed(error) => Some(error),
        _ => None,
    })
}
