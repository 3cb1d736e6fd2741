//! Regions -> evidence, decisions and images, on each thread of the pool.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};

use super::messages::{ImageJob, Message, PATIENCE, Stop, guarded, receive};
use super::options::RunInputs;
use super::region_times::RegionTimes;
use super::sketches::{Sketch, Sketches};
use super::stats::{Stage, StageTimes};
use crate::error::{Error, Result};
use crate::evidence::{Evidence, FragmentAllele, Gatherer};
use crate::genome::Reference;
use crate::genotype::Ploidy;
use crate::output::Placement;
use crate::predict::{Decision, decide};
use crate::regions::{Region, Targets};
use crate::statistics::RegionDepths;
use crate::vcf::reference_blocks::blocks;

/// What all workers share.
pub(super) struct Workers<'a> {
    pub(super) inputs: RunInputs<'a>,
    /// The first region that no worker has taken.
    pub(super) next: AtomicUsize,
    /// Regions taken at once.
    pub(super) run: usize,
    /// One for each run that may be under way.
    pub(super) tickets: Receiver<()>,
    pub(super) images: Sender<ImageJob>,
    pub(super) messages: Sender<Message>,
    pub(super) ploidy: &'a Ploidy,
    pub(super) placements_wanted: bool,
    /// Whether calls are phased.
    pub(super) fragments_wanted: bool,
    /// Set where reference blocks are wanted.
    pub(super) quality_bin: Option<i32>,
    pub(super) times: &'a StageTimes,
    /// Where depths are counted, if that is less than the regions.
    pub(super) within: Option<&'a Targets>,
    /// Set where depths and the time of regions are wanted.
    pub(super) region_times: Option<&'a Mutex<RegionTimes>>,
    /// Set where pictures are wanted.
    pub(super) sketches: Option<&'a Sketches>,
    pub(super) stop: Stop<'a>,
}

impl Workers<'_> {
    /// Works until no region is left or the run stops; a failure is sent to the collector.
    pub(super) fn run(&self) {
        match guarded(|| self.work()) {
            Ok(()) | Err(Error::Stopped) => {}
            Err(error) => drop(self.messages.send(Message::Failed(error))),
        }
    }

    fn work(&self) -> Result<()> {
        let model = self.inputs.model;
        let source = self.inputs.reads.open(self.inputs.reference.contigs(), model.evidence.reads())?;
        let reference = self.inputs.reference.open()?;
        let mut gatherer = Gatherer::new(source, reference, model.evidence, model.image.clone())
            .counting_empty_regions(self.quality_bin.is_some())
            .genotyping(self.inputs.sites.cloned());
        // For the depths of regions without reads.
        let mut own_reference = self.region_times.map(|_| self.inputs.reference.open()).transpose()?;
        self.runs(&mut gatherer, own_reference.as_mut())
    }

    /// Takes runs of regions until none is left.
    fn runs(&self, gatherer: &mut Gatherer, mut reference: Option<&mut Reference>) -> Result<()> {
        loop {
            let waiting = Instant::now();
            receive(&self.tickets, self.stop)?;
            self.times.add(Stage::WaitForWindow, waiting.elapsed());
            let first = self.next.fetch_add(self.run, Ordering::Relaxed);
            if first >= self.inputs.regions.len() {
                return Ok(());
            }
            for region in (first..first + self.run).map_while(|number| self.inputs.regions.get(number)) {
                self.region(gatherer, region, reference.as_deref_mut())?;
            }
        }
    }

    fn region(&self, gatherer: &mut Gatherer, region: Region, reference: Option<&mut Reference>) -> Result<()> {
        if self.stop.is_set() {
            return Err(Error::Stopped);
        }
        let (started, mut waited) = (Instant::now(), Duration::ZERO);
        let fetched = self.times.time(Stage::Read, || gatherer.fetch(region))?;
        let aligned = self.times.time(Stage::Realign, || gatherer.realign(fetched))?;
        let evidence = self.times.time(Stage::Count, || gatherer.count(aligned))?;
        let fragments = if self.fragments_wanted {
            let (quality, slippage) = (self.inputs.model.image.min_base_quality, &self.inputs.decider.sample.slippage);
            self.times.time(Stage::Count, || evidence.fragments(quality, slippage))
        } else {
            Vec::new()
        };
        let depths = reference.map(|reference| self.depths(region, &evidence, reference)).transpose()?;
        self.announce(region, &evidence, fragments, depths)?;
        for (index, candidate) in evidence.candidates.iter().enumerate() {
            let decisions = self.times.time(Stage::SmallModel, || decide(candidate, &evidence, self.inputs.decider));
            for (set, decision) in decisions {
                let spec = &self.inputs.model.image;
                let sketches = self.sketches.filter(|_| candidate.alts.len() == 1);
                let (contig, region) = (region.contig, region.sequence);
                match decision {
                    Decision::Decided(prediction) => {
                        if let Some(sketches) = sketches {
                            sketches.offer(prediction.probabilities, || {
                                let image = evidence.render(spec, candidate, set);
                                Sketch { contig, candidate: candidate.clone(), set, image, decision }
                            });
                        }
                        let message = Message::Predicted { region, candidate: index, set, prediction };
                        self.messages.send(message).map_err(|_| Error::Stopped)?;
                    }
                    Decision::NeedsImage(undecided) => {
                        let image = self.times.time(Stage::Render, || evidence.render(spec, candidate, set));
                        let features = undecided.image_features(candidate, set, &evidence, self.inputs.decider);
                        let drawn = sketches.map(|_| (contig, candidate.clone()));
                        let job = ImageJob { region, candidate: index, set, image, undecided, features, drawn };
                        waited += self.send(job)?;
                    }
                }
            }
        }
        if let Some(times) = self.region_times {
            let time = started.elapsed().saturating_sub(waited);
            times.lock().unwrap_or_else(PoisonError::into_inner).add(region.sequence, time);
        }
        Ok(())
    }

    /// Depths of a region's positions.
    fn depths(&self, region: Region, evidence: &Evidence, reference: &mut Reference) -> Result<RegionDepths> {
        let Region { contig, interval, .. } = region;
        let is_wanted = |position| self.within.is_none_or(|targets| targets.contains(contig, position));
        if evidence.depths.positions.is_empty() {
            let bases = reference.bases(contig, interval)?;
            return Ok(RegionDepths::uncovered(contig, interval.start(), &bases, is_wanted));
        }
        Ok(RegionDepths::new(contig, &evidence.depths, &evidence.reference, is_wanted))
    }

    fn announce(
        &self,
        region: Region,
        evidence: &Evidence,
        fragments: Vec<Vec<FragmentAllele>>,
        depths: Option<RegionDepths>,
    ) -> Result<()> {
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
            fragments,
            depths,
        };
        self.messages.send(message).map_err(|_| Error::Stopped)
    }

    /// Sends an image to the classifier, as soon as there is room; how long that took.
    fn send(&self, mut job: ImageJob) -> Result<Duration> {
        let waiting = Instant::now();
        loop {
            match self.images.send_timeout(job, PATIENCE) {
                Ok(()) => break,
                Err(SendTimeoutError::Timeout(_)) if self.stop.is_set() => return Err(Error::Stopped),
                Err(SendTimeoutError::Timeout(back)) => job = back,
                Err(SendTimeoutError::Disconnected(_)) => return Err(Error::Stopped),
            }
        }
        let waited = waiting.elapsed();
        self.times.add(Stage::WaitForClassifier, waited);
        Ok(waited)
    }
}

fn placements(evidence: &Evidence) -> Vec<Placement> {
    evidence.reads.iter().map(Placement::from).collect()
}
