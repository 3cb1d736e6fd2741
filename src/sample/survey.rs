//! A sample's files -> what its reads are like wherever one looks: how deep, and how often they show what hardly is a variant.
//!
//! Some places are looked at, drawn from all that the index says may hold reads. Which ones depends on their coordinates: all parts of a run
//! that is scattered over regions find the same, and a BAM and a CRAM of the same reads nearly always do.

use rand::{Rng as _, RngCore as _};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

use crate::alignment_file::BamFile;
use crate::alignment_file::weight::ByteCounts;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::{Evidence, EvidenceOptions, Gatherer, ReadTransform};
use crate::genome::reference::to_usize;
use crate::genome::{ContigId, Contigs, Interval, Reference, ReferenceFile, ReferenceWindow};
use crate::pileup::ImageSpec;
use crate::reads::{BamSource, Read};
use crate::regions::Region;
use crate::slippage::fit::two_digits;
use crate::slippage::tracts::{LONGEST_UNIT, REACH as TRACT_REACH};
use crate::slippage::{Observed, SlippageModel, Tract, fit, observe, tracts};

/// Places with reads that are looked at, and places that are tried for them.
const PLACES: usize = 61;
const TRIES: usize = 250;
/// Fragments over long tracts, [of A or T, of longer units], until which further windows are read for these alone, and windows whose reference is
/// searched for such: thin reads need more windows, which hold less. With 61 windows drawn blindly the rates of 16 A/T scatter by 28 %,
/// with 1,000 fragments more over long tracts by 7 % (amplified library, docs/slippage.md).
const TRACT_FRAGMENTS: [u32; 2] = [1500, 1000];
const TRACT_TRIES: usize = 1000;
/// Copies from which on a tract is long, by the length of its unit: shorter ones are in most windows.
const LONG_TRACT: [usize; LONGEST_UNIT] = [10, 7, 5, 4];
/// Length of a place in bp. It begins where a window of the index does, so that its reads are found at once.
const LENGTH: u64 = 1000;
/// Of so few windows, each has [`OF_FEW`] places; else one.
const FEW: usize = 128;
const OF_FEW: u64 = 16;
/// Standard deviations from half of the reads from which on an allele's reads are too few, or too many, for one copy of two; and the share
/// of reads from which on it is of both copies.
const UNLIKELY: f64 = 1.5;
const FEWEST_OF_BOTH: f64 = 0.85;
/// Places that are taken as seen before any is, those of them with an artefact first: of a small file little is known.
const EXPECTED: [f64; 2] = [2.0, 8.0];

/// Upper less lower quartile of a normal distribution, in standard deviations.
const NORMAL_QUARTILES: f64 = 1.349;
/// Spread of the depth from which on the reads are not of a whole genome, or as good as that.
const MOST_UNEVEN: f64 = 0.35;
/// Positions of a place whose depths have little to do with each other.
const APART: f64 = 7.0;

/// What a sample's reads are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleProfile {
    /// Reads over a position of two copies; 0 where it is not known, or where no depth is usual since the reads are of targets.
    pub median_depth: f64,
    /// Standard deviation of the depth as a share of it, without what chance makes of it; 0.35 where it is that or more.
    pub depth_cv: f64,
    /// Share of places of 1 kb with a candidate that too few reads show for one copy of two, less that of places where too many do: chance
    /// makes as many of these as of those.
    pub artefact_rate: f64,
    /// How often its molecules slip on repeats.
    pub slippage: SlippageModel,
}

impl Default for SampleProfile {
    fn default() -> Self {
        Self {
            median_depth: 0.0,
            depth_cv: MOST_UNEVEN,
            artefact_rate: share(0, 0),
            slippage: SlippageModel::default(),
        }
    }
}

/// Surveys a sample's files.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where a file or its index cannot be read.
pub fn survey(files: &[BamFile], reference: &ReferenceFile, options: EvidenceOptions) -> Result<SampleProfile> {
    survey_with(files, reference, options, &mut |_: &mut Vec<Read>| ())
}

/// Surveys a sample's files as if their reads were what `transform` makes of them.
///
/// # Errors
/// As [`survey`].
pub fn survey_with(
    files: &[BamFile],
    reference: &ReferenceFile,
    options: EvidenceOptions,
    transform: &mut dyn ReadTransform,
) -> Result<SampleProfile> {
    let contigs = reference.contigs();
    let source = BamSource::open(files, contigs, options.reads())?;
    let options = EvidenceOptions { realign: None, ..options };
    let mut gatherer = Gatherer::new(Box::new(source), reference.open()?, options, ImageSpec::default());
    let mut looks: Vec<Look> = Vec::new();
    let mut observed = Vec::new();
    let mut places = places(windows(files, contigs))
        .into_iter()
        .map(|(contig, interval)| (contig, interval.intersect(Interval::new(0, contigs.get(contig).length))));
    for (contig, interval) in places.by_ref().take(TRIES) {
        let seen = gatherer.gather_with(Region { sequence: 0, contig, interval }, transform)?;
        let depths = depths(&seen, interval);
        if depths.iter().any(|&depth| depth > 0) {
            let any = |unlikely: fn(&Candidate) -> bool| seen.candidates.iter().any(unlikely);
            let unlikely = [any(too_few), any(too_many)];
            looks.push(Look { depths, kept_share: seen.fetched.kept_share(), unlikely });
            observed.extend(tracts_of(&seen, interval));
        }
        if looks.len() == PLACES {
            break;
        }
    }
    let (mut bases, mut left) = (reference.open()?, TRACT_FRAGMENTS);
    for (contig, interval) in places.take(TRACT_TRIES) {
        if left == [0, 0] {
            break;
        }
        let long = long_tracts(&mut bases, contig, interval)?;
        if long.iter().zip(left).any(|(&there, left)| there && left > 0) {
            let seen = gatherer.gather_with(Region { sequence: 0, contig, interval }, transform)?;
            for tract in tracts_of(&seen, interval) {
                if let Some(kind) = long_kind(&tract.tract) {
                    left[kind] = left[kind].saturating_sub(tract.lengths.fragments());
                }
                observed.push(tract);
            }
        }
    }
    Ok(SampleProfile { slippage: fit(observed), ..SampleProfile::of(&looks) })
}

/// 0 for a long tract of A or T, 1 for one of a longer unit.
fn long_kind(tract: &Tract) -> Option<usize> {
    let is_long = !tract.is_strong() && tract.copies() >= LONG_TRACT[tract.unit - 1];
    is_long.then_some(usize::from(tract.unit > 1))
}

/// Which kinds of long tracts begin in a window.
fn long_tracts(bases: &mut Reference, contig: ContigId, window: Interval) -> Result<[bool; 2]> {
    let around = window.padded(TRACT_REACH, bases.contigs().get(contig).length);
    let reference = ReferenceWindow::new(around.start().cast_signed(), bases.few_bases(contig, around)?);
    let mut found = [false; 2];
    for tract in tracts(&reference, window).iter().filter(|tract| window.contains(tract.interval.start())) {
        if let Some(kind) = long_kind(tract) {
            found[kind] = true;
        }
    }
    Ok(found)
}

/// What the reads of a window show of the tracts that begin in it.
fn tracts_of(seen: &Evidence, window: Interval) -> Vec<Observed> {
    let mut tracts = tracts(&seen.reference, window);
    tracts.retain(|tract| window.contains(tract.interval.start()));
    observe(&seen.reads, tracts)
}

/// What of a place matters.
struct Look {
    /// Reads over each position, of those that were kept.
    depths: Vec<u32>,
    kept_share: f64,
    /// Whether too few reads for one copy of two show some candidate, and whether too many do.
    unlikely: [bool; 2],
}

impl SampleProfile {
    /// Half of all bases of reads lie deeper than some depth, however few places they are at. What has less than a third of it is passed
    /// over. The median of the rest is the usual depth, if the rest is about as even as reads of a whole genome are.
    fn of(looks: &[Look]) -> Self {
        let depth = |look: &Look, reads: u32| f64::from(reads) / look.kept_share;
        let mut all: Vec<(f64, u32)> = looks
            .iter()
            .flat_map(|look| look.depths.iter().filter(|&&reads| reads > 0).map(|&reads| (depth(look, reads), reads)))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let half = all.iter().map(|&(_, reads)| u64::from(reads)).sum::<u64>() / 2;
        let mut below = 0;
        let middle = all.iter().find(|&&(_, reads)| {
            below += u64::from(reads);
            below > half
        });
        let least = middle.map_or(0.0, |&(depth, _)| depth / 3.0);
        let rest = &all[all.partition_point(|&(depth, _)| depth < least)..];
        let covered = || looks.iter().filter(|look| look.depths.iter().any(|&reads| depth(look, reads) >= least));
        let [lower, median, upper] = [1, 2, 3].map(|quarter| rest.get(quarter * rest.len() / 4).map_or(0.0, |x| x.0));
        let deviation = (upper - lower) / NORMAL_QUARTILES;
        let [too_few, too_many] = [0, 1].map(|side| covered().filter(|look| look.unlikely[side]).count());
        let artefacts = share(too_few.saturating_sub(too_many), covered().count());
        Self::new(median, (deviation.powi(2) - median) / median.powi(2), artefacts)
    }

    /// Of what has been measured: the depth, the relative variance of it that is more than chance's, the share of places with artefacts.
    fn new(depth: f64, variance: f64, artefact_rate: f64) -> Self {
        let depth_cv = (variance.max(0.0).sqrt() * 100.0).round() / 100.0;
        if depth > 0.0 && depth_cv < MOST_UNEVEN {
            Self { median_depth: two_digits(depth), depth_cv, artefact_rate, ..Self::default() }
        } else {
            Self { artefact_rate, ..Self::default() }
        }
    }

    /// What another survey of such a sample might find.
    #[allow(clippy::cast_precision_loss, reason = "some dozen places")]
    #[must_use]
    pub fn found_again(self, random: &mut Pcg64) -> Self {
        let places = PLACES as f64;
        let mut normal = || random.sample::<f64, _>(StandardNormal);
        let chance = normal() * (2.0 / (places * APART)).sqrt() / self.median_depth.max(0.1);
        let variance = self.depth_cv.powi(2) * (0..PLACES).map(|_| normal().powi(2)).sum::<f64>() / places + chance;
        let seen = ((self.artefact_rate * (places + EXPECTED[1]) - EXPECTED[0]) / places).clamp(0.0, 1.0);
        let artefacts = (0..PLACES).filter(|_| random.random_bool(seen)).count();
        Self { slippage: self.slippage, ..Self::new(self.median_depth, variance, share(artefacts, PLACES)) }
    }
}

/// The share of places with an artefact, some being expected.
#[allow(clippy::cast_precision_loss, reason = "some dozen places")]
fn share(with: usize, places: usize) -> f64 {
    (with as f64 + EXPECTED[0]) / (places as f64 + EXPECTED[1])
}

/// The windows of the files' indexes that hold reads, on the reference's contigs.
fn windows(files: &[BamFile], reference: &Contigs) -> Vec<(ContigId, Interval)> {
    let mut windows = Vec::new();
    for file in files {
        let of_reference = |id: ContigId| reference.id(&file.contigs().get(id).name);
        windows
            .extend(ByteCounts::of(file).full_windows().filter_map(|(id, window)| Some((of_reference(id)?, window))));
    }
    windows
}

/// Reads over each position of a place.
fn depths(seen: &Evidence, place: Interval) -> Vec<u32> {
    let offset = |position: u64| to_usize(position.clamp(place.start(), place.end()) - place.start());
    let mut change = vec![0_i32; to_usize(place.len()) + 1];
    for read in &seen.reads {
        change[offset(read.span.start())] += 1;
        change[offset(read.span.end())] -= 1;
    }
    let depths = change.iter().scan(0_i32, |depth, change| {
        *depth += change;
        Some(depth.unsigned_abs())
    });
    depths.take(to_usize(place.len())).collect()
}

/// Whether an allele is shown by fewer reads than one copy of two would be.
fn too_few(candidate: &Candidate) -> bool {
    deviations(candidate).any(|above| above < -UNLIKELY)
}

/// Whether an allele is shown by more reads than one copy of two would be, and yet not by all.
fn too_many(candidate: &Candidate) -> bool {
    deviations(candidate).any(|above| above > UNLIKELY)
}

/// By how many standard deviations more reads than half show each allele that is not of both copies.
fn deviations(candidate: &Candidate) -> impl Iterator<Item = f64> {
    let depth = f64::from(candidate.depth);
    let counts = candidate.alts.iter().map(|alt| f64::from(alt.count));
    counts
        .filter(move |&count| count < FEWEST_OF_BOTH * depth)
        .map(move |count| (count - depth / 2.0) / (depth.sqrt() / 2.0))
}

/// The places of windows, in an order that mixes the genome.
fn places(mut windows: Vec<(ContigId, Interval)>) -> Vec<(ContigId, Interval)> {
    windows.sort_unstable_by_key(|(contig, window)| (contig.0, window.start()));
    windows.dedup();
    let each = if windows.len() <= FEW { OF_FEW } else { 1 };
    let mut places: Vec<(ContigId, Interval)> = windows
        .into_iter()
        .flat_map(|(contig, window)| {
            let starts = (0..each).map(move |i| window.start() + i * window.len() / OF_FEW);
            starts.map(move |at| (contig, Interval::new(at, at + LENGTH)))
        })
        .collect();
    places.sort_by_cached_key(|(contig, place)| {
        (Pcg64::new(u128::from(place.start()), contig.0 as u128).next_u64(), contig.0, place.start())
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::candidate;

    fn windows(from: u64, to: u64) -> Vec<(ContigId, Interval)> {
        (from..to).map(|i| (ContigId(0), Interval::new(i << 14, (i + 1) << 14))).collect()
    }

    #[test]
    fn places_are_of_all_windows_in_an_order_of_their_own() {
        assert_eq!(places(windows(0, 2)).len(), 32);
        let many = places(windows(0, 1000));
        assert_eq!(many.len(), 1000);
        let mean = many[..PLACES].iter().map(|(_, place)| place.start() >> 14).sum::<u64>() / PLACES as u64;
        assert!((350..650).contains(&mean), "{mean}");
        // A window more, at an end or in between, changes nothing of the others' order.
        let mut one_less = many;
        one_less.retain(|(_, place)| place.start() != 999 << 14);
        assert_eq!(places(windows(0, 999)), one_less);
        assert!(places(Vec::new()).is_empty());
    }

    #[test]
    fn depths_have_two_digits() {
        let of = [29.62, 7.349, 148.0, 0.5].map(two_digits);
        assert!(of.iter().zip([30.0, 7.3, 150.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-9), "{of:?}");
    }

    #[test]
    fn windows_with_long_tracts() {
        let far = "GATCCAGTACGGTCATGCAG".repeat(50);
        let at = |bases: &str, copies: usize| format!("{far}{}{far}", bases.repeat(copies));
        let of = |bases: String| {
            let file = crate::testing::ReferenceBuilder::new().contig("1", &bases).build();
            long_tracts(&mut file.open(), ContigId(0), Interval::new(500, 1500)).unwrap()
        };
        assert_eq!([9, 10].map(|copies| of(at("T", copies))), [[false, false], [true, false]]);
        assert_eq!([6, 7].map(|copies| of(at("CA", copies))), [[false, false], [false, true]]);
        assert_eq!(of(at("C", 12)), [false, false]);
        assert_eq!(of(format!("{far}{}{far}", at("T", 10))), [false, false], "it lies beyond");
    }

    #[test]
    fn depth_is_usual_in_genomes_and_not_in_targets() {
        let look = |depths: &[u32]| Look { depths: depths.to_vec(), kept_share: 1.0, unlikely: [false; 2] };
        let near = |looks: &[Look], expected: f64| {
            let found = SampleProfile::of(looks).median_depth;
            assert!((found - expected).abs() < 1e-9, "{found}");
        };
        // A genome of 30 reads, one place of which is two copies deep and one half gone.
        let mut genome: Vec<Look> = (0..20).map(|i| look(&[28 + i % 5; 100])).collect();
        genome.extend([look(&[60; 100]), look(&[0, 15, 0, 15])]);
        near(&genome, 30.0);
        assert!(SampleProfile::of(&genome).depth_cv.abs() < 1e-9, "less than chance's");
        let uneven: Vec<Look> = (0..20).map(|i| look(&[20 + i; 100])).collect();
        let found = SampleProfile::of(&uneven);
        assert!((found.median_depth - 30.0).abs() < 1e-9 && (0.1..0.2).contains(&found.depth_cv), "{found:?}");
        // Targets with edges in a sea of stray reads.
        let target =
            [[1; 60].as_slice(), &[10; 9], &[25; 9], &[48; 7], &[50; 7], &[52; 7], &[25; 9], &[10; 9]].concat();
        let mut targets: Vec<Look> = (0..10).map(|_| look(&target)).collect();
        targets.extend((0..50).map(|_| look(&[1; 100])));
        near(&targets, 0.0);
        // Of deep places only some reads are kept.
        near(&[Look { depths: vec![50; 10], kept_share: 0.25, unlikely: [false; 2] }], 200.0);
        near(&[], 0.0);
    }

    #[test]
    fn artefacts_are_counted_where_reads_are() {
        let look = |depth: u32, unlikely: [bool; 2]| Look { depths: vec![depth; 10], kept_share: 1.0, unlikely };
        let [few, many, neither] = [[true, false], [false, true], [false, false]];
        let artefacts = |looks: &[Look]| SampleProfile::of(looks).artefact_rate;
        assert!((artefacts(&[look(30, few), look(30, neither), look(1, few)]) - share(1, 2)).abs() < 1e-9);
        assert!((artefacts(&[look(30, few), look(30, many), look(30, few)]) - share(1, 3)).abs() < 1e-9);
        assert!((artefacts(&[look(30, few), look(30, many), look(30, many)]) - share(0, 3)).abs() < 1e-9);
    }

    #[test]
    fn too_few_and_too_many_for_a_copy_of_two() {
        // Of 36 reads, 18 give or take 4.5; 31 are of both copies.
        let sides: Vec<_> = [13, 14, 22, 23, 30, 31, 36]
            .map(|n| candidate(100, "T", &[("A", n, &[])], 36 - n))
            .map(|shown| [too_few(&shown), too_many(&shown)])
            .to_vec();
        let (few, neither, many) = ([true, false], [false, false], [false, true]);
        assert_eq!(sides, [few, neither, neither, many, many, neither, neither]);
    }

    #[test]
    fn little_is_known_of_few_places() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(share(0, 0), 0.25) && near(share(1, 1), 1.0 / 3.0) && share(61, 61) > 0.9 && share(0, 61) < 0.03);
        assert_eq!(SampleProfile::default().artefact_rate.to_bits(), share(0, 0).to_bits());
    }

    #[test]
    fn surveys_of_a_sample_scatter_around_the_same() {
        let mut random = Pcg64::new(1, 1);
        let sample =
            SampleProfile { median_depth: 40.0, depth_cv: 0.2, artefact_rate: 0.3, ..SampleProfile::default() };
        let again: Vec<SampleProfile> = (0..400).map(|_| sample.found_again(&mut random)).collect();
        let around = |of: fn(&SampleProfile) -> f64| {
            let mean = again.iter().map(of).sum::<f64>() / 400.0;
            (mean, (again.iter().map(|x| (of(x) - mean).powi(2)).sum::<f64>() / 400.0).sqrt())
        };
        let (mean, deviation) = around(|sample| sample.artefact_rate);
        assert!((mean - 0.3).abs() < 0.01 && (0.04..0.07).contains(&deviation), "{mean} {deviation}");
        let (mean, deviation) = around(|sample| sample.depth_cv);
        assert!((mean - 0.2).abs() < 0.01 && (0.015..0.03).contains(&deviation), "{mean} {deviation}");
        assert!(again.iter().all(|sample| (sample.median_depth - 40.0).abs() < 1e-9));
        let uneven = SampleProfile { depth_cv: 0.6, ..sample }.found_again(&mut random);
        assert!(uneven.median_depth.abs() < 1e-9 && (uneven.depth_cv - MOST_UNEVEN).abs() < 1e-9);
    }
}
