//! A [`Region`] -> its [`Evidence`]: reads, candidates and the reference around them. The one way in which calling,
//! training and `varpix show` look at reads, so that a network sees in use what it saw in training.

pub mod survey;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::alleles::{self, AlleleCounts, CountOptions, Depths};
use crate::candidates::{self, Candidate, CandidateOptions};
use crate::error::Result;
use crate::genome::{Interval, Reference, ReferenceWindow};
use crate::pileup::render::READ_MARGIN;
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets, render};
use crate::reads::source::{DEFAULT_MAX_READS, ReadOptions};
use crate::reads::{FetchStats, Read, ReadFilter, ReadSource, Repeats, Trimmed};
use crate::realign::{self, RealignOptions};
use crate::regions::{DEFAULT_REGION_SIZE, Region};
use crate::sites::{Shown, Sites};
pub use survey::{Sample, survey};

/// Reference bases kept on both sides of a region beyond half an image, in bp: the longest deletion that is counted.
const LONGEST_DELETION: u64 = 5000;

/// How evidence is gathered; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceOptions {
    /// Which reads are used.
    pub read_filter: ReadFilter,
    /// Most reads kept of one region.
    pub max_reads: usize,
    /// Template length of reads that have none (without mate, or TLEN 0), in bp. Where it is not set they have that of their file, as in
    /// DeepVariant; a network that has learned from pairs takes a length of 0 for a sign of a misplaced read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_insert_size: Option<u32>,
    /// How reads are realigned; not at all where a model says nothing of it.
    #[serde(default)]
    pub realign: Option<RealignOptions>,
    /// What makes a candidate.
    pub candidates: CandidateOptions,
    /// Length of a region in bp.
    pub region_size: u64,
}

impl Default for EvidenceOptions {
    fn default() -> Self {
        Self {
            read_filter: ReadFilter::default(),
            max_reads: DEFAULT_MAX_READS,
            missing_insert_size: None,
            realign: Some(RealignOptions::default()),
            candidates: CandidateOptions::default(),
            region_size: DEFAULT_REGION_SIZE,
        }
    }
}

impl EvidenceOptions {
    /// What of it concerns the reads file.
    #[must_use]
    pub fn reads(&self) -> ReadOptions {
        ReadOptions {
            filter: self.read_filter,
            max_reads: self.max_reads,
            missing_insert_size: self.missing_insert_size,
        }
    }
}

/// All that is known of a region.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Its reads, in [`Read::order`].
    pub reads: Vec<Read>,
    /// How many reads show each allele at each of its positions: all reads, also where only some are drawn.
    pub depths: Depths,
    /// Its candidates, by position.
    pub candidates: Vec<Candidate>,
    /// The reference around it, half an image and more to both sides.
    pub reference: ReferenceWindow,
    /// What reads such as these are like in the whole sample; its depth is what sampling has left of it.
    pub sample: Sample,
    /// What the fetch met.
    pub fetched: FetchStats,
    /// Time spent on fetching and decoding reads.
    pub read_time: Duration,
    /// Reads whose alignment was changed.
    pub realigned: usize,
    /// Time spent on realigning reads.
    pub realign_time: Duration,
    /// Time spent on counting alleles and finding candidates.
    pub count_time: Duration,
}

impl Evidence {
    /// Renders one image of a candidate of this evidence.
    #[must_use]
    pub fn render(&self, spec: &ImageSpec, candidate: &Candidate, set: AltSet) -> PileupImage {
        let part = if let AltSet::One(alt) = set { candidate.part(alt) } else { None };
        match part {
            Some(part) => render(spec, &part, AltSet::One(0), &self.reads, &self.reference),
            None => render(spec, candidate, set, &self.reads, &self.reference),
        }
    }

    /// How many images the candidates need.
    #[must_use]
    pub fn images(&self) -> usize {
        self.candidates.iter().map(|c| alt_sets(c.alts.len()).count()).sum()
    }
}

/// One thread's gatherer of evidence.
pub struct Gatherer {
    source: Box<dyn ReadSource>,
    reference: Reference,
    options: EvidenceOptions,
    image: ImageSpec,
    empty_too: bool,
    sample: Sample,
    sites: Option<Arc<Sites>>,
}

impl Gatherer {
    /// Gathers from `source` and `reference`, for images of `image`.
    #[must_use]
    pub fn new(source: Box<dyn ReadSource>, reference: Reference, options: EvidenceOptions, image: ImageSpec) -> Self {
        Self { source, reference, options, image, empty_too: false, sample: Sample::default(), sites: None }
    }

    /// Knows what the sample's reads are like.
    #[must_use]
    pub fn of_sample(mut self, sample: Sample) -> Self {
        self.sample = sample;
        self
    }

    /// Takes these sites for candidates, and no others.
    #[must_use]
    pub fn genotyping(mut self, sites: Option<Arc<Sites>>) -> Self {
        self.empty_too |= sites.is_some();
        self.sites = sites;
        self
    }

    /// Counts regions without reads too, as zeros at each position; otherwise their evidence is empty.
    #[must_use]
    pub fn counting_empty_regions(mut self, yes: bool) -> Self {
        self.empty_too |= yes;
        self
    }

    /// The evidence of a region.
    ///
    /// # Errors
    /// As [`ReadSource::fetch`] and [`Reference::bases`].
    pub fn gather(&mut self, region: Region) -> Result<Evidence> {
        self.gather_changed(region, |_, sample| sample)
    }

    /// The evidence of a region as it would be if `change` had been done to its reads; training augments them so. It is given what
    /// the sample is like and returns what one of such reads would be.
    ///
    /// # Errors
    /// As [`Gatherer::gather`].
    pub fn gather_changed(
        &mut self,
        region: Region,
        change: impl FnOnce(&mut Vec<Read>, Sample) -> Sample,
    ) -> Result<Evidence> {
        let started = Instant::now();
        let length = self.reference.contigs().get(region.contig).length;
        let wanted = region.interval.padded(READ_MARGIN, length);
        let (mut reads, fetched) = self.source.fetch(region.contig, wanted)?;
        let mut sample = change(&mut reads, self.sample);
        sample.depth *= fetched.kept_share();
        if !reads.is_sorted_by(|a, b| a.order() <= b.order()) {
            reads.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        let read_time = started.elapsed();

        let mut started = Instant::now();
        let margin = self.image.half_width() as u64 + LONGEST_DELETION;
        let start = region.interval.start().cast_signed() - margin.cast_signed();
        let end = (region.interval.end() + margin).cast_signed();
        let (mut realigned, mut realign_time) = (0, Duration::ZERO);
        let (reference, depths, candidates) = if reads.is_empty() && !self.empty_too {
            let nothing = Depths::new(Interval::new(region.interval.start(), 0), Vec::new());
            (ReferenceWindow::new(start, Vec::new()), nothing, Vec::new())
        } else {
            let reference = ReferenceWindow::new(start, self.reference.window(region.contig, start, end)?);
            spell_out(&mut reads, &reference);
            let trimmed = Trimmed::of(&reads, &reference);
            trimmed.drop_from(&mut reads, &reference);
            let mut plan = None;
            if let Some(options) = &self.options.realign {
                let (changed, windows) = realign::realign(region.interval, &mut reads, &reference, options);
                realigned = changed;
                plan = Some((windows, options));
                realign_time = started.elapsed();
                started = Instant::now();
            }
            let options = CountOptions { min_base_quality: self.image.min_base_quality, ..CountOptions::default() };
            let counts = alleles::count(region.interval, &reads, &reference, options);
            let joint = self.sites.as_ref().map_or_else(Vec::new, |sites| sites.joint(region));
            let mut depths = Depths::new(region.interval, joint.clone());
            depths.add(&reads, &counts, options);
            let mut candidates = self.candidates(region, &reads, &counts, options, &depths, &reference);
            if fetched.sampled_out > 0 && (self.empty_too || !candidates.is_empty()) {
                // What is drawn is the sample. All reads are counted, each aligned as the sample's are.
                depths = Depths::new(region.interval, joint);
                let mut repeats = Repeats::default();
                self.source.fetch_all(region.contig, wanted, &mut |mut some| {
                    repeats.drop_from(&mut some);
                    spell_out(&mut some, &reference);
                    trimmed.drop_from(&mut some, &reference);
                    some.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
                    if let Some((plan, options)) = &plan {
                        plan.realign(&mut some, &reference, options);
                    }
                    depths.add(&some, &alleles::count(region.interval, &some, &reference, options), options);
                })?;
                candidates = self.candidates(region, &reads, &counts, options, &depths, &reference);
            }
            (reference, depths, candidates)
        };
        let count_time = started.elapsed();
        Ok(Evidence {
            reads,
            depths,
            candidates,
            reference,
            sample,
            fetched,
            read_time,
            realigned,
            realign_time,
            count_time,
        })
    }
}

fn spell_out(reads: &mut [Read], reference: &ReferenceWindow) {
    for read in reads {
        read.spell_out(reference);
    }
}

impl Gatherer {
    /// The region's candidates: those that are asked for, or those that there are.
    fn candidates(
        &self,
        region: Region,
        reads: &[Read],
        counts: &AlleleCounts,
        options: CountOptions,
        depths: &Depths,
        reference: &ReferenceWindow,
    ) -> Vec<Candidate> {
        match &self.sites {
            None => candidates::find(region.contig, counts, depths, reference, &self.options.candidates),
            Some(sites) => sites.candidates(region, Shown { reads, counts, options, depths, reference }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::ContigId;
    use crate::reads::source::MemorySource;
    use crate::testing::{ReadBuilder, ReferenceBuilder};

    fn gatherer(reads: Vec<Read>) -> Gatherer {
        let reference = ReferenceBuilder::new().contig("1", &"ACGT".repeat(500)).build();
        let source = Box::new(MemorySource { reads });
        Gatherer::new(source, reference.open(), EvidenceOptions::default(), ImageSpec::default())
    }

    fn region() -> Region {
        Region { sequence: 0, contig: ContigId(0), interval: Interval::new(100, 200) }
    }

    #[test]
    fn candidates_belong_to_the_region_reads_to_its_surroundings() {
        // A substitution at 99 and one at 100, reads that end just before the region.
        let reads = ReadBuilder::new(96, "ACGGCC").copies(3);
        let evidence = gatherer(reads).gather(region()).unwrap();
        let positions: Vec<_> = evidence.candidates.iter().map(|c| c.position).collect();
        assert_eq!((positions, evidence.reads.len(), evidence.images()), (vec![100], 3, 1));
    }

    #[test]
    fn changes_are_made_before_reads_count() {
        let reads: Vec<_> = (0..4).map(|i| ReadBuilder::new(98, "GTCCGT").name(&i.to_string()).build()).collect();
        let all = gatherer(reads.clone()).gather(region()).unwrap();
        assert_eq!((all.candidates.len(), all.candidates[0].depth), (1, 4));
        let some = gatherer(reads.clone())
            .gather_changed(region(), |reads, sample| {
                reads.retain(|read| read.name.as_ref() < b"2".as_slice());
                Sample { depth: 2.0, ..sample }
            })
            .unwrap();
        assert_eq!(
            (some.reads.len(), some.candidates[0].depth, some.sample.depth.to_bits()),
            (2, 2, 2.0_f64.to_bits())
        );
        let one = gatherer(reads)
            .gather_changed(region(), |reads, sample| {
                reads.truncate(1);
                sample
            })
            .unwrap();
        assert!(one.candidates.is_empty());
    }

    #[test]
    fn no_reads_give_no_candidates() {
        let evidence = gatherer(Vec::new()).gather(region()).unwrap();
        assert!(evidence.reads.is_empty() && evidence.candidates.is_empty());
    }
}
