//! Messages of the workers and of the classifier -> calls in genome order, written.

use std::collections::HashMap;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::messages::{Message, Stop, receive};
use super::options::{Outputs, RunInputs, RunOptions};
use super::reorder::{AskedOrder, Reorder};
use super::stats::{RunStats, Stage, StageTimes};
use crate::error::{Error, Result};
use crate::genotype::{Call, Resolver, call};
use crate::output::Placement;
use crate::predict::Predictor;
use crate::vcf::ReferenceBlock;

/// What of a region waits for its calls.
#[derive(Default)]
struct Waiting {
    placements: Vec<Placement>,
    blocks: Vec<ReferenceBlock>,
}

/// Brings results into genome order and writes them, until the last region is written.
pub(super) fn collect(
    inputs: RunInputs,
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
            Message::Predicted { region, candidate, set, prediction } => {
                stats.decided += u64::from(prediction.predictor == Predictor::SmallModel);
                reorder.predicted(region, candidate, set, prediction)?;
            }
        }
        while let Some((region, predicted)) = reorder.next_ready() {
            for (candidate, images) in &predicted {
                let is_haploid = options.ploidy.is_haploid(candidate.contig, candidate.position);
                let call = call(candidate, images, is_haploid);
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
