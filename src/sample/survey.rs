//! A sample's files -> its [`SampleProfile`], from a sample of windows of 1 kb.
//!
//! The windows are drawn from those that hold reads according to the index. Which ones are drawn depends on their coordinates alone, so that
//! all parts of a run that is scattered over regions draw the same, and a BAM and a CRAM of the same reads nearly always do.

use rand::RngCore as _;
use rand_pcg::Pcg64;

use super::profile::{SampleProfile, WINDOWS, WindowSummary, too_few, too_many};
use crate::alignment_file::BamFile;
use crate::alignment_file::weight::ByteCounts;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::{Evidence, EvidenceOptions, Gatherer, ReadTransform};
use crate::genome::reference::to_usize;
use crate::genome::{ContigId, Contigs, Interval, Reference, ReferenceFile, ReferenceWindow};
use crate::pileup::ImageSpec;
use crate::reads::reference_check::MOST_MISMATCHES;
use crate::reads::{BamSource, CigarKind, Read};
use crate::regions::Region;
use crate::slippage::tracts::{LONGEST_UNIT, REACH as TRACT_REACH};
use crate::slippage::{Observed, Tract, fit, observe, tracts};

/// Most windows that are fetched to find [`WINDOWS`] with reads.
const MOST_FETCHED: usize = 250;
/// Fragments over long tracts, [of A or T, of longer units], until which further windows are read for these alone, and windows whose reference is
/// searched for such: thin reads need more windows, which hold less. With 61 windows drawn blindly the rates of 16 A/T scatter by 28 %,
/// with 1,000 fragments more over long tracts by 7 % (amplified library, docs/slippage.md).
const TRACT_FRAGMENTS: [u32; 2] = [1500, 1000];
const MOST_SEARCHED: usize = 1000;
/// Copies from which on a tract is long, by the length of its unit: shorter ones are in most windows.
const LONG_TRACT: [usize; LONGEST_UNIT] = [10, 7, 5, 4];
/// Length of a window in bp. It begins where an interval of the index does, so that its reads are found at once.
const LENGTH: u64 = 1000;
/// Index intervals (16 kb in a BAI) of which each has [`PER_INTERVAL`] windows, if there are no more of them; else each has one.
const FEW_INTERVALS: usize = 128;
const PER_INTERVAL: u64 = 16;

/// What is surveyed, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurveyOptions {
    /// How evidence is gathered; reads are not realigned.
    pub evidence: EvidenceOptions,
    /// Whether slippage is fitted, for which further windows are read: some 0.1 s of CPU at 30x. Without, the profile has that of a clean library.
    pub slippage: bool,
}

impl From<EvidenceOptions> for SurveyOptions {
    fn from(evidence: EvidenceOptions) -> Self {
        Self { evidence, slippage: true }
    }
}

/// Surveys a sample's files.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where a file or its index cannot be read.
pub fn survey(
    files: &[BamFile],
    reference: &ReferenceFile,
    options: impl Into<SurveyOptions>,
) -> Result<SampleProfile> {
    survey_with(files, reference, options, &mut |_: &mut Vec<Read>| ())
}

/// Surveys a sample's files as if their reads were what `transform` makes of them.
///
/// # Errors
/// As [`survey`].
pub fn survey_with(
    files: &[BamFile],
    reference: &ReferenceFile,
    options: impl Into<SurveyOptions>,
    transform: &mut dyn ReadTransform,
) -> Result<SampleProfile> {
    let SurveyOptions { evidence: options, slippage } = options.into();
    let contigs = reference.contigs();
    let source = BamSource::open(files, contigs, options.reads())?;
    // A margin before a window would lead to the index interval before it, all of whose reads would be unpacked; none of them is summarised.
    let options = EvidenceOptions { realign: None, read_margin: 0, ..options };
    let mut gatherer = Gatherer::new(Box::new(source), reference.open()?, options, ImageSpec::default());
    let mut windows = windows(intervals_with_reads(files, contigs))
        .into_iter()
        .map(|(contig, window)| (contig, window.intersect(Interval::new(0, contigs.get(contig).length))));
    let (mut summaries, mut observed) = (Vec::new(), Vec::new());
    for (contig, interval) in windows.by_ref().take(MOST_FETCHED) {
        let evidence = gatherer.gather_with(Region { sequence: 0, contig, interval }, transform)?;
        if !is_of_reference(&evidence) {
            continue;
        }
        if let Some(summary) = summary(&evidence, interval) {
            summaries.push(summary);
            if slippage {
                observed.extend(observed_tracts(&evidence, interval));
            }
        }
        if summaries.len() == WINDOWS {
            break;
        }
    }
    if !slippage {
        return Ok(SampleProfile::of(&summaries));
    }
    let (mut bases, mut left) = (reference.open()?, TRACT_FRAGMENTS);
    for (contig, interval) in windows.take(MOST_SEARCHED) {
        if left == [0, 0] {
            break;
        }
        let long = long_tracts(&mut bases, contig, interval)?;
        if long.iter().zip(left).any(|(&there, left)| there && left > 0) {
            let evidence = gatherer.gather_with(Region { sequence: 0, contig, interval }, transform)?;
            if !is_of_reference(&evidence) {
                continue;
            }
            for tract in observed_tracts(&evidence, interval) {
                if let Some(kind) = long_kind(&tract.tract) {
                    left[kind] = left[kind].saturating_sub(tract.lengths.fragments());
                }
                observed.push(tract);
            }
        }
    }
    Ok(SampleProfile { slippage: fit(observed), ..SampleProfile::of(&summaries) })
}

/// Whether reads were aligned to this reference there: contigs that are not called may be of another one.
#[allow(clippy::cast_precision_loss, reason = "bases of a window")]
fn is_of_reference(evidence: &Evidence) -> bool {
    let (mut aligned, mut differing) = (0_usize, 0_usize);
    for read in &evidence.reads {
        for segment in read.segments().filter(|segment| segment.kind == CigarKind::Match) {
            let span = segment.interval();
            let expected = evidence.reference.slice(span.start().cast_signed(), span.end().cast_signed());
            let Some(expected) = expected else { continue };
            aligned += expected.len();
            differing += expected.iter().zip(&read.bases[segment.bases()]).filter(|(a, b)| a != b).count();
        }
    }
    differing as f64 <= MOST_MISMATCHES * aligned as f64
}

/// The summary of a window with reads.
fn summary(evidence: &Evidence, window: Interval) -> Option<WindowSummary> {
    let depths = depths(evidence, window);
    let reads = || evidence.reads.iter();
    let any = |unlikely: fn(&Candidate) -> bool| evidence.candidates.iter().any(unlikely);
    depths.iter().any(|&depth| depth > 0).then(|| WindowSummary {
        depths,
        kept_share: evidence.fetched.kept_share(),
        read_lengths: reads().map(|read| u32::try_from(read.bases.len()).unwrap_or(u32::MAX)).collect(),
        spliced: reads().filter(|read| read.cigar.iter().any(|op| op.kind == CigarKind::Skip)).count(),
        unlikely: [any(too_few), any(too_many)],
    })
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

/// The tracts that begin in a window, with the lengths that its reads have there.
fn observed_tracts(evidence: &Evidence, window: Interval) -> Vec<Observed> {
    let mut tracts = tracts(&evidence.reference, window);
    tracts.retain(|tract| window.contains(tract.interval.start()));
    observe(&evidence.reads, tracts)
}

/// Reads over each position of a window.
fn depths(evidence: &Evidence, window: Interval) -> Vec<u32> {
    let offset = |position: u64| to_usize(position.clamp(window.start(), window.end()) - window.start());
    let mut change = vec![0_i32; to_usize(window.len()) + 1];
    for read in &evidence.reads {
        change[offset(read.span.start())] += 1;
        change[offset(read.span.end())] -= 1;
    }
    let depths = change.iter().scan(0_i32, |depth, change| {
        *depth += change;
        Some(depth.unsigned_abs())
    });
    depths.take(to_usize(window.len())).collect()
}

/// The intervals of the files' indexes that hold reads, on the reference's contigs.
fn intervals_with_reads(files: &[BamFile], reference: &Contigs) -> Vec<(ContigId, Interval)> {
    let mut intervals = Vec::new();
    for file in files {
        let of_reference = |id: ContigId| reference.id(&file.contigs().get(id).name);
        let counts = ByteCounts::of(file);
        intervals.extend(counts.full_windows().filter_map(|(id, interval)| Some((of_reference(id)?, interval))));
    }
    intervals
}

/// The windows of index intervals, in an order that mixes the genome.
fn windows(mut intervals: Vec<(ContigId, Interval)>) -> Vec<(ContigId, Interval)> {
    intervals.sort_unstable_by_key(|(contig, interval)| (contig.0, interval.start()));
    intervals.dedup();
    let each = if intervals.len() <= FEW_INTERVALS { PER_INTERVAL } else { 1 };
    let mut windows: Vec<(ContigId, Interval)> = intervals
        .into_iter()
        .flat_map(|(contig, interval)| {
            let starts = (0..each).map(move |i| interval.start() + i * interval.len() / PER_INTERVAL);
            starts.map(move |at| (contig, Interval::new(at, at + LENGTH)))
        })
        .collect();
    windows.sort_by_cached_key(|(contig, window)| {
        (Pcg64::new(u128::from(window.start()), contig.0 as u128).next_u64(), contig.0, window.start())
    });
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals(from: u64, to: u64) -> Vec<(ContigId, Interval)> {
        (from..to).map(|i| (ContigId(0), Interval::new(i << 14, (i + 1) << 14))).collect()
    }

    #[test]
    fn windows_are_of_all_intervals_in_an_order_of_their_own() {
        assert_eq!(windows(intervals(0, 2)).len(), 32);
        let many = windows(intervals(0, 1000));
        assert_eq!(many.len(), 1000);
        let mean = many[..WINDOWS].iter().map(|(_, window)| window.start() >> 14).sum::<u64>() / WINDOWS as u64;
        assert!((350..650).contains(&mean), "{mean}");
        // An interval more, at an end or in between, changes nothing of the others' order.
        let mut one_less = many;
        one_less.retain(|(_, window)| window.start() != 999 << 14);
        assert_eq!(windows(intervals(0, 999)), one_less);
        assert!(windows(Vec::new()).is_empty());
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
}
