//! A [`Region`] -> its [`Evidence`]: reads, candidates and the reference around them. The one way in which calling,
//! training and `varpix show` gather evidence, so that a network gets the same input in use as in training.

mod fragments;
mod options;
mod phased;

use std::sync::{Arc, OnceLock};

use crate::alleles::{self, AlleleContext, ContextOptions, CountOptions, Depths};
use crate::candidates::sites::{Counted, Sites};
use crate::candidates::{self, Candidate};
use crate::error::Result;
use crate::evidence::options::LONGEST_DELETION;
use crate::evidence::phased::Phased;
use crate::genome::{Interval, Reference, ReferenceWindow};
use crate::phase::SitePhase;
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets, render};
use crate::reads::{FetchStats, Read, ReadSource, Repeats, Trimmed};
use crate::realign::{self, Plan, RealignOptions};
use crate::regions::Region;
use crate::slippage::RegionTracts;

pub use fragments::FragmentAllele;
pub use options::EvidenceOptions;

/// All that is known of a region.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The region's positions.
    pub interval: Interval,
    /// Its reads, in [`Read::order`].
    pub reads: Vec<Read>,
    /// How many reads support each allele at each of its positions: all reads, also where only some are sampled.
    pub depths: Depths,
    /// Its candidates, by position.
    pub candidates: Vec<Candidate>,
    /// The phases of the alleles of each candidate, in their order; none where reads are not phased. The reads have their haplotypes.
    pub phases: Vec<SitePhase>,
    /// The reference around it, half an image and 5 kb to both sides; empty in a region without reads.
    pub reference: ReferenceWindow,
    /// What the fetch met.
    pub fetched: FetchStats,
    /// Reads whose alignment was changed.
    pub realigned: usize,
    /// Where [`EvidenceOptions::allele_context`] asks for it; none of given sites.
    pub context: Option<AlleleContext>,
    /// See [`Evidence::tracts`].
    pub(crate) tracts: OnceLock<RegionTracts>,
}

impl Evidence {
    /// The repeats of the region and the lengths that its fragments show of them, found when first asked for.
    pub fn tracts(&self) -> &RegionTracts {
        self.tracts.get_or_init(|| RegionTracts::new(&self.reads, &self.reference, self.interval))
    }

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

/// Changes a region's reads before anything else is done with them. Training augments them so.
pub trait ReadTransform {
    /// Changes the reads; they may be in any order afterwards.
    fn transform(&mut self, reads: &mut Vec<Read>);
}

impl<F: FnMut(&mut Vec<Read>)> ReadTransform for F {
    fn transform(&mut self, reads: &mut Vec<Read>) {
        self(reads);
    }
}

/// One thread's gatherer of evidence. Its three steps, [`fetch`](Self::fetch), [`realign`](Self::realign) and
/// [`count`](Self::count), are apart so that they can be timed; [`gather`](Self::gather) does them all.
pub struct Gatherer {
    source: Box<dyn ReadSource>,
    reference: Reference,
    options: EvidenceOptions,
    image: ImageSpec,
    empty_too: bool,
    sites: Option<Arc<Sites>>,
}

/// A region's reads as they were fetched, in [`Read::order`].
pub struct FetchedReads {
    region: Region,
    reads: Vec<Read>,
    fetched: FetchStats,
}

/// A region's reads with their final alignments.
pub struct AlignedReads {
    fetched: FetchedReads,
    realigned: usize,
    /// Not there for a region that needs no counting: it has no reads.
    context: Option<Context>,
}

impl AlignedReads {
    /// The windows and haplotypes by which they were realigned.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.context.as_ref()?.plan.as_ref().map(|(plan, _)| plan)
    }
}

/// What the alignment of a region's reads rests on.
struct Context {
    reference: ReferenceWindow,
    trimmed: Trimmed,
    plan: Option<(Plan, RealignOptions)>,
}

impl Gatherer {
    /// Gathers from `source` and `reference`, for images of `image`.
    #[must_use]
    pub fn new(source: Box<dyn ReadSource>, reference: Reference, options: EvidenceOptions, image: ImageSpec) -> Self {
        Self { source, reference, options, image, empty_too: false, sites: None }
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
        let fetched = self.fetch(region)?;
        let aligned = self.realign(fetched)?;
        self.count(aligned)
    }

    /// The evidence of a region as it would be if its reads were what `transform` makes of them.
    ///
    /// # Errors
    /// As [`Gatherer::gather`].
    pub fn gather_with(&mut self, region: Region, transform: &mut dyn ReadTransform) -> Result<Evidence> {
        let mut fetched = self.fetch(region)?;
        transform.transform(&mut fetched.reads);
        fetched.reads.sort_by(|a, b| a.order().cmp(&b.order()));
        let aligned = self.realign(fetched)?;
        self.count(aligned)
    }

    /// Fetches the reads of a region and of [`EvidenceOptions::read_margin`] around it.
    ///
    /// # Errors
    /// As [`ReadSource::fetch`].
    pub fn fetch(&mut self, region: Region) -> Result<FetchedReads> {
        let (reads, fetched) = self.source.fetch(region.contig, self.wanted(region))?;
        debug_assert!(reads.is_sorted_by(|a, b| a.order() <= b.order()), "a source gives reads in their order");
        Ok(FetchedReads { region, reads, fetched })
    }

    /// Drops trimmed ends, and realigns reads where the model has settings for it.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn realign(&mut self, mut fetched: FetchedReads) -> Result<AlignedReads> {
        let FetchedReads { region, reads, .. } = &mut fetched;
        if reads.is_empty() && !self.empty_too {
            return Ok(AlignedReads { fetched, realigned: 0, context: None });
        }
        let margin = self.margin(*region);
        let start = region.interval.start().cast_signed() - margin;
        let end = region.interval.end().cast_signed() + margin;
        let length = self.reference.contigs().get(region.contig).length;
        let reference =
            ReferenceWindow::new(start, self.reference.window(region.contig, start, end)?).of_contig(length);
        spell_out(reads, &reference);
        // DeepVariant's models for long reads have learned from clips of all kinds.
        let is_phased = self.options.phasing.is_some();
        let trimmed = if is_phased { Trimmed::default() } else { Trimmed::of(reads, &reference) };
        trimmed.drop_from(reads, &reference);
        let mut realigned = 0;
        let plan = self.options.realign.map(|options| {
            let (changed, plan) = realign::realign(region.interval, reads, &reference, &options);
            realigned = changed;
            (plan, options)
        });
        Ok(AlignedReads { fetched, realigned, context: Some(Context { reference, trimmed, plan }) })
    }

    /// Counts alleles and finds candidates.
    ///
    /// # Errors
    /// As [`ReadSource::fetch_all`].
    pub fn count(&mut self, aligned: AlignedReads) -> Result<Evidence> {
        let AlignedReads { fetched: FetchedReads { region, mut reads, fetched }, realigned, context } = aligned;
        let Some(Context { reference, trimmed, plan }) = context else {
            let start = region.interval.start();
            let depths = Depths::new(Interval::new(start, 0), Vec::new());
            let reference = ReferenceWindow::new(start.cast_signed() - self.margin(region), Vec::new());
            let (interval, candidates, phases, tracts) = (region.interval, Vec::new(), Vec::new(), OnceLock::new());
            return Ok(Evidence {
                interval,
                reads,
                depths,
                candidates,
                phases,
                reference,
                fetched,
                realigned,
                context: None,
                tracts,
            });
        };
        let options = CountOptions { min_base_quality: self.image.min_base_quality, ..CountOptions::default() };
        let length = self.reference.contigs().get(region.contig).length;
        let padded = region.interval.padded(self.options.padding(region.interval.len()), length);
        let counts = alleles::count(padded, &reads, &reference, options);
        let padded_region = self.options.phasing.map_or_else(Phased::default, |phasing| {
            let found = self.found(region, &reads, &counts, &reference);
            Phased::new(found, &mut reads, &counts, (&reference, options), &phasing)
        });
        let context = self.context(region, &reads, &counts, (&reference, options));
        let counts = counts.within(region.interval);
        let joint = self.sites.as_ref().map_or_else(Vec::new, |sites| sites.joint(region));
        let mut depths = Depths::new(region.interval, joint.clone());
        depths.add(&reads, &counts, options);
        let at_hand = Counted { reads: &reads, counts: &counts, options, depths: &depths, reference: &reference };
        let mut candidates = self.candidates(region, at_hand);
        if fetched.sampled_out > 0 && (self.empty_too || !candidates.is_empty()) {
            // The reads at hand are a sample. All reads are counted, each aligned as the sample's are.
            depths = Depths::new(region.interval, joint);
            let mut repeats = Repeats::default();
            let wanted = self.wanted(region);
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
            let all = Counted { reads: &reads, counts: &counts, options, depths: &depths, reference: &reference };
            candidates = self.candidates(region, all);
        }
        if self.options.track_reference_reads {
            let positions: Vec<u64> = candidates.iter().map(|candidate| candidate.position).collect();
            let found = alleles::reference_reads(&positions, &reads, &reference, options);
            for (candidate, found) in candidates.iter_mut().zip(found) {
                candidate.reference_support = found.iter().map(|read| read.read).collect();
            }
        }
        let (interval, phases, tracts) = (region.interval, padded_region.of(&candidates), OnceLock::new());
        Ok(Evidence { interval, reads, depths, candidates, phases, reference, fetched, realigned, context, tracts })
    }

    /// What is kept of the allele counts for a small model that takes it. Sites that are asked for have none: their alleles may be anchored elsewhere.
    fn context(
        &self,
        region: Region,
        reads: &[Read],
        counts: &alleles::AlleleCounts,
        (reference, count): (&ReferenceWindow, CountOptions),
    ) -> Option<AlleleContext> {
        let wanted = self.options.allele_context && self.sites.is_none();
        let options = ContextOptions {
            tracks_reference: self.options.track_reference_reads,
            min_base_quality: count.min_base_quality,
        };
        wanted.then(|| {
            let found = self.found(region, reads, counts, reference);
            let positions: Vec<u64> = found.iter().map(|candidate| candidate.position).collect();
            AlleleContext::new(counts, reads, &positions, options)
        })
    }

    /// The candidates that these reads have wherever they were counted.
    fn found(
        &self,
        region: Region,
        reads: &[Read],
        counts: &alleles::AlleleCounts,
        reference: &ReferenceWindow,
    ) -> Vec<Candidate> {
        let mut depths = Depths::new(counts.interval, Vec::new());
        depths.add(reads, counts, CountOptions::default());
        candidates::find(region.contig, counts, &depths, reference, &self.options.candidates)
    }

    /// The interval whose reads a region needs.
    fn wanted(&self, region: Region) -> Interval {
        region.interval.padded(self.options.read_margin, self.reference.contigs().get(region.contig).length)
    }

    /// Reference bases on both sides of a region, in bp.
    fn margin(&self, region: Region) -> i64 {
        let padding = self.options.padding(region.interval.len());
        (self.image.half_width() as u64 + LONGEST_DELETION + padding).cast_signed()
    }

    /// The region's candidates: those that are asked for, or those that there are.
    fn candidates(&self, region: Region, counted: Counted) -> Vec<Candidate> {
        let Counted { counts, depths, reference, .. } = counted;
        match &self.sites {
            None => candidates::find(region.contig, counts, depths, reference, &self.options.candidates),
            Some(sites) => sites.candidates(region, counted),
        }
    }
}

fn spell_out(reads: &mut [Read], reference: &ReferenceWindow) {
    for read in reads {
        read.spell_out(reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::ContigId;
    use crate::phase::PhasingOptions;
    use crate::reads::MemorySource;
    use crate::testing::{ReadBuilder, ReferenceBuilder};

    fn gatherer(reads: Vec<Read>) -> Gatherer {
        let reference = ReferenceBuilder::new().contig("1", &"ACGT".repeat(500)).build();
        let source = Box::new(MemorySource::new(ContigId(0), reads));
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
            .gather_with(region(), &mut |reads: &mut Vec<Read>| {
                reads.retain(|read| read.name.as_ref() < b"2".as_slice());
            })
            .unwrap();
        assert_eq!((some.reads.len(), some.candidates[0].depth), (2, 2));
        let one = gatherer(reads).gather_with(region(), &mut |reads: &mut Vec<Read>| reads.truncate(1)).unwrap();
        assert!(one.candidates.is_empty());
    }

    /// Gathers the region 100..200 for long reads, padded to 80..220.
    fn phased(reads: Vec<Read>) -> Evidence {
        let reference = ReferenceBuilder::new().contig("1", &"ACGT".repeat(500)).build();
        let source = Box::new(MemorySource::new(ContigId(0), reads));
        let options = EvidenceOptions {
            realign: None,
            read_margin: 0,
            track_reference_reads: true,
            phasing: Some(PhasingOptions::default()),
            ..EvidenceOptions::default()
        };
        Gatherer::new(source, reference.open(), options, ImageSpec::default()).gather(region()).unwrap()
    }

    /// A read over 60..240 with these bases in place of the reference's; of a low quality at `low`.
    fn long_read(name: &str, changed: &[(usize, u8)], low: Option<usize>) -> Read {
        let mut bases = "ACGT".repeat(45).into_bytes();
        for &(position, base) in changed {
            bases[position - 60] = base;
        }
        let mut qualities = [30; 180];
        if let Some(position) = low {
            qualities[position - 60] = 5;
        }
        ReadBuilder::new(60, std::str::from_utf8(&bases).unwrap()).name(name).qualities(&qualities).build()
    }

    #[test]
    fn reads_are_phased_by_candidates_of_the_padded_region() {
        // The second site lies in the padding, a third one beyond it.
        let two = [(120, b'C'), (210, b'T'), (230, b'A')];
        let mut reads: Vec<Read> = (0..4).map(|i| long_read(&format!("a{i}"), &[], None)).collect();
        reads.extend((0..4).map(|i| long_read(&format!("b{i}"), &two, None)));
        reads[0].haplotype = 2;
        let evidence = phased(reads);
        let haplotypes: Vec<u8> = evidence.reads.iter().map(|read| read.haplotype).collect();
        assert_eq!(haplotypes, [1, 1, 1, 1, 2, 2, 2, 2], "also in place of a tag");
        assert_eq!((evidence.candidates.len(), evidence.candidates[0].position), (1, 120));
        assert_eq!(evidence.phases[0].alleles, [1, 2]);
        assert_eq!(evidence.candidates[0].reference_support, [0, 1, 2, 3]);
        assert_eq!(evidence.depths.interval, region().interval);
    }

    #[test]
    fn only_reads_of_the_region_itself_are_used() {
        let inside = (0..3).map(|i| long_read(&format!("a{i}"), &[(120, b'C')], None));
        // In the padding, or up to the region's first base.
        let beside =
            (0..3).map(|i| ReadBuilder::new(70, "GTACGTACGTACGTACGTACGTACGTACGT").name(&format!("b{i}")).build());
        let evidence = phased(inside.chain(beside).collect());
        assert_eq!(evidence.reads.len(), 3);
    }

    #[test]
    fn low_quality_reads_are_tracked_too() {
        let reads = (0..3)
            .map(|i| long_read(&format!("a{i}"), &[(120, b'C')], None))
            .chain([long_read("b0", &[], Some(120)), long_read("b1", &[], None)]);
        let evidence = phased(reads.collect());
        let candidate = &evidence.candidates[0];
        assert_eq!((candidate.reference_count, candidate.reference_support.as_slice()), (1, [3, 4].as_slice()));
    }

    #[test]
    fn the_context_is_of_the_padded_region_and_only_where_a_model_asks() {
        // A candidate in the region, one in the padding, a difference beyond it.
        let reads = (0..4).map(|i| {
            let changed = if i < 2 { vec![(120, b'C'), (210, b'T'), (230, b'A')] } else { Vec::new() };
            long_read(&format!("a{i}"), &changed, None)
        });
        let reads: Vec<Read> = reads.collect();
        let gathered = |phasing: Option<PhasingOptions>, allele_context| {
            let reference = ReferenceBuilder::new().contig("1", &"ACGT".repeat(500)).build();
            let source = Box::new(MemorySource::new(ContigId(0), reads.clone()));
            let track_reference_reads = phasing.is_some();
            let options = EvidenceOptions {
                realign: None,
                track_reference_reads,
                allele_context,
                phasing,
                ..EvidenceOptions::default()
            };
            Gatherer::new(source, reference.open(), options, ImageSpec::default()).gather(region()).unwrap().context
        };
        let shares = |context: AlleleContext| [120, 121, 210, 230].map(|position| context.share(position));
        // 2 of 4 reads; with tracked ones, 4 entries beside 2 reads of the reference.
        assert_eq!(shares(gathered(None, true).unwrap()), [50, 0, 0, 0]);
        assert_eq!(shares(gathered(Some(PhasingOptions::default()), true).unwrap()), [66, 0, 66, 0]);
        assert_eq!(gathered(None, false), None);
    }

    #[test]
    fn reads_are_phased_only_where_a_model_asks() {
        let reads = (0..4).map(|i| {
            let mut read = long_read(&format!("a{i}"), &[(120, b'C')], None);
            read.haplotype = 2;
            read
        });
        let evidence = gatherer(reads.collect()).gather(region()).unwrap();
        assert!(evidence.phases.is_empty() && evidence.candidates[0].reference_support.is_empty());
        assert!(evidence.reads.iter().all(|read| read.haplotype == 2));
    }

    #[test]
    fn no_reads_give_no_candidates() {
        let evidence = gatherer(Vec::new()).gather(region()).unwrap();
        assert!(evidence.reads.is_empty() && evidence.candidates.is_empty());
    }
}
