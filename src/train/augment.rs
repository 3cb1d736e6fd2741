//! A training region's reads -> reads as another library, sequencer or mapper might have given them.
//!
//! Each region is augmented on its own: its depth, read length, base qualities, mapping qualities and error rate.
//! Reads are changed before anything is counted, so that candidates and images are those that calling would make of such reads.
//! Images are augmented in one way only: the strands are swapped, which changes nothing else.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

use crate::pileup::spec::REFERENCE_ROWS;
use crate::pileup::{Channel, ImageSpec, PileupImage};
use crate::reads::{Cigar, CigarKind, Read, consumed};

/// Depths that samples of short and of long reads are thinned to, in reads per position; shallower ones keep their depth, and deeper ones any up to theirs.
const DEPTHS: [std::ops::Range<f64>; 2] = [5.0..75.0, 3.0..75.0];
/// Coefficients of variation of the depth that are simulated, and the share of regions with one.
const SPREADS: std::ops::Range<f64> = 0.03..0.5;
const UNEVEN: f64 = 0.6;
/// Correlation lengths of the depth, in bp.
const DEPTH_CHANGES: std::ops::Range<f64> = 500.0..5000.0;
/// Share of regions for each change.
const TRIMMED: f64 = 0.25;
const BINNED: f64 = 0.35;
const SHIFTED_QUALITIES: f64 = 0.3;
const CONSTANT_QUALITIES: f64 = 0.03;
const ANOTHER_MAPPER: f64 = 0.35;
const CAPPED_MAPPING: f64 = 0.1;
const CONSTANT_MAPPING: f64 = 0.08;
const OTHER_TEMPLATES: f64 = 0.5;
const NO_TEMPLATES: f64 = 0.08;
const MORE_ERRORS: f64 = 0.2;
/// Share of images whose strands are swapped.
const SWAPPED: f64 = 0.5;
/// Shortest read that trimming leaves, in bp.
const SHORTEST: usize = 70;
/// Values of the strand channel, forward and reverse.
const STRANDS: [u8; 2] = [70, 240];

/// Mapping qualities of reads whose mapper tells nothing; 255 is the SAM specification's (section 1.4) for "not available".
const CONSTANTS: [u8; 4] = [255, 60, 50, 42];
/// Base qualities of reads that have one for all, Phred.
const CONSTANT: std::ops::RangeInclusive<u8> = 20..=40;

/// Levels of base quality that sequencers write: four (`NovaSeq`), or eight (`HiSeq` 3000).
const FOUR_LEVELS: &[u8] = &[2, 12, 23, 37];
const EIGHT_LEVELS: &[u8] = &[2, 6, 15, 22, 27, 33, 37, 40];

/// Levels of base quality of `PacBio`'s Revio.
const SEVEN_LEVELS: &[u8] = &[3, 10, 17, 22, 27, 35, 40];
/// Share of regions of long reads whose base qualities have another maximum, Phred, and which it is; consensus callers differ in it.
const ANOTHER_MAXIMUM: f64 = 0.4;
const MAXIMA: std::ops::RangeInclusive<u8> = 35..=93;
/// Highest base quality of short reads and of long ones, Phred.
const HIGHEST: [u8; 2] = [41, 93];
/// Wrong bases that are added, by base, to short reads and to long ones.
const ADDED_ERRORS: [std::ops::Range<f64>; 2] = [0.0005..0.006, 0.0001..0.001];

/// Whether reads are a sequencer's short ones or long ones (consensus reads of one molecule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Some hundred bp.
    Short,
    /// 10 kb and more.
    Long,
}

/// How the augmented reads' sample differs from the original one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thinned {
    /// Share of the median depth that is left.
    pub left: f64,
    /// Coefficient of variation of the depth that has been added.
    pub spread: f64,
}

/// Augments the reads of a sample of that median depth; they need sorting afterwards.
pub fn reads(reads: &mut Vec<Read>, kind: Kind, median_depth: f64, random: &mut Pcg64) -> Thinned {
    let mut thinned = thin(reads, &DEPTHS[kind as usize], median_depth, random);
    // Of long reads only the part in the region may be here.
    if kind == Kind::Short && random.random_bool(TRIMMED) {
        thinned.left *= trim(reads, random);
    }
    if random.random_bool(MORE_ERRORS) {
        more_errors(reads, &ADDED_ERRORS[kind as usize], random);
    }
    if kind == Kind::Long && random.random_bool(ANOTHER_MAXIMUM) {
        let most = random.random_range(MAXIMA);
        for quality in reads.iter_mut().flat_map(|read| read.qualities.iter_mut()) {
            *quality = most.min(*quality);
        }
    }
    if random.random_bool(SHIFTED_QUALITIES) {
        shift_qualities(reads, HIGHEST[kind as usize], random);
    }
    if random.random_bool(BINNED) {
        let fine = if kind == Kind::Short { EIGHT_LEVELS } else { SEVEN_LEVELS };
        let levels = if random.random_bool(0.6) { FOUR_LEVELS } else { fine };
        for read in reads.iter_mut() {
            read.qualities.iter_mut().for_each(|quality| *quality = nearest(*quality, levels));
        }
    } else if random.random_bool(CONSTANT_QUALITIES) {
        let constant = random.random_range(CONSTANT);
        for read in reads.iter_mut() {
            read.qualities.fill(constant);
        }
    }
    if random.random_bool(ANOTHER_MAPPER) {
        doubt_alignments(reads, random);
    } else if random.random_bool(CAPPED_MAPPING) {
        let cap = random.random_range(37..60);
        for read in reads.iter_mut() {
            read.mapping_quality = read.mapping_quality.min(cap);
        }
    } else if random.random_bool(CONSTANT_MAPPING) {
        let constant = CONSTANTS.choose(random).copied().unwrap_or(u8::MAX);
        for read in reads.iter_mut() {
            read.mapping_quality = constant;
        }
    }
    if random.random_bool(NO_TEMPLATES) {
        for read in reads.iter_mut() {
            read.template_length = 0;
        }
    } else if random.random_bool(OTHER_TEMPLATES) {
        let factor = random.random_range(0.6..1.7);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "some hundred bp")]
        for read in reads.iter_mut() {
            read.template_length = (read.template_length as f64 * factor) as i64;
        }
    }
    thinned
}

/// Swaps the strands of an image, or leaves it.
pub fn image(image: &mut PileupImage, spec: &ImageSpec, random: &mut Pcg64) {
    if !random.random_bool(SWAPPED) {
        return;
    }
    let Some(channel) = spec.channels.iter().position(|&channel| channel == Channel::Strand) else { return };
    for row in REFERENCE_ROWS..spec.height {
        for pixel in image.row_mut(row).chunks_exact_mut(spec.channels.len()) {
            pixel[channel] = match pixel[channel] {
                strand if strand == STRANDS[0] => STRANDS[1],
                strand if strand == STRANDS[1] => STRANDS[0],
                other => other,
            };
        }
    }
}

/// Thins a region's reads to another sample's depth, which may vary along the genome: log-normally around its median, with a correlation
/// that falls off exponentially with the distance.
fn thin(reads: &mut Vec<Read>, depths: &std::ops::Range<f64>, median_depth: f64, random: &mut Pcg64) -> Thinned {
    let wanted = log_uniform(&(depths.start..depths.end.max(median_depth)), random);
    let share = (wanted / median_depth).min(1.0);
    let spread = if random.random_bool(UNEVEN) { random.random_range(SPREADS) } else { 0.0 };
    let starts = || reads.iter().map(|read| read.span.start());
    let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Thinned { left: share, spread } };
    #[allow(clippy::cast_precision_loss, reason = "positions of a region")]
    let length = (last - first).max(1) as f64;
    let alike = (-length / log_uniform(&DEPTH_CHANGES, random)).exp();
    let [one, other]: [f64; 2] = std::array::from_fn(|_| random.sample(StandardNormal));
    let [at_first, at_last] = [one, alike * one + (1.0 - alike * alike).sqrt() * other].map(|z| z * spread);
    // No position can become deeper.
    let left = share.min((-at_first.max(at_last)).exp());
    #[allow(clippy::cast_precision_loss, reason = "positions of a region")]
    reads.retain(|read| {
        let along = (read.span.start() - first) as f64 / length;
        let here = left * (at_first + along * (at_last - at_first)).exp();
        here >= 1.0 || random.random_bool(here)
    });
    Thinned { left, spread }
}

fn log_uniform(range: &std::ops::Range<f64>, random: &mut Pcg64) -> f64 {
    random.random_range(range.start.ln()..range.end.ln()).exp()
}

/// Trims the ends that were sequenced last, so that all reads have the same length.
fn trim(reads: &mut Vec<Read>, random: &mut Pcg64) -> f64 {
    let longest = reads.iter().map(|read| read.bases.len()).max().unwrap_or(0);
    if longest <= SHORTEST {
        return 1.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "bases of a region")]
    let bases = |reads: &[Read]| reads.iter().map(|read| read.bases.len()).sum::<usize>().max(1) as f64;
    let before = bases(reads);
    let length = random.random_range(SHORTEST..longest);
    let trimmed = std::mem::take(reads).into_iter().filter_map(|read| {
        let n = read.bases.len();
        match (n > length, read.reverse) {
            (false, _) => Some(read),
            (true, false) => part(&read, 0, length),
            (true, true) => part(&read, n - length, n),
        }
    });
    reads.extend(trimmed);
    bases(reads) / before
}

/// The read's bases `from..to` with their alignment, or `None` where none of them is aligned.
fn part(read: &Read, from: usize, to: usize) -> Option<Read> {
    let mut cigar: Vec<Cigar> = Vec::new();
    let mut start = None;
    for segment in read.segments().filter(|segment| segment.kind != CigarKind::HardClip) {
        let (kind, offset) = (segment.kind, segment.offset);
        let kept = if kind.consumes_read() {
            let (first, last) = (offset.max(from), segment.bases().end.min(to));
            let kept = last.saturating_sub(first);
            if kept > 0 && kind == CigarKind::Match {
                start.get_or_insert(segment.position + (first - offset) as u64);
            }
            kept
        } else if offset > from && offset < to {
            segment.length as usize
        } else {
            0
        };
        if kept > 0 {
            cigar.push(Cigar { kind, length: u32::try_from(kept).ok()? });
        }
    }
    // Bases before the first or after the last match are soft clipped.
    tidy_end(&mut cigar);
    cigar.reverse();
    tidy_end(&mut cigar);
    cigar.reverse();
    let mut shorter = Read { cigar: Box::new([]), ..read.clone() };
    shorter.keep_bases(from..to);
    shorter.realign(start?, cigar.into()).then_some(())?;
    shorter.moved_from = None;
    Some(shorter)
}

/// Replaces the operations before the first match by one soft clip of their bases.
fn tidy_end(cigar: &mut Vec<Cigar>) {
    let matched = cigar.iter().position(|op| op.kind == CigarKind::Match).unwrap_or(cigar.len());
    let clipped = u32::try_from(consumed(&cigar[..matched]).bases).unwrap_or(u32::MAX);
    let clip = (clipped > 0).then_some(Cigar { kind: CigarKind::SoftClip, length: clipped });
    cigar.splice(..matched, clip);
}

fn nearest(quality: u8, levels: &[u8]) -> u8 {
    levels.iter().copied().min_by_key(|level| level.abs_diff(quality)).unwrap_or(quality)
}

fn shift_qualities(reads: &mut [Read], highest: u8, random: &mut Pcg64) {
    let (shift, noise) = (random.random_range(-7_i16..=4), random.random_range(0_i16..=3));
    for quality in reads.iter_mut().flat_map(|read| read.qualities.iter_mut()).filter(|quality| **quality > 2) {
        let changed = i16::from(*quality) + shift + random.random_range(-noise..=noise);
        *quality = u8::try_from(changed.clamp(2, i16::from(highest))).unwrap_or(2);
    }
}

/// Some mappers give most reads that do not match end to end, and some others, mapping qualities far below 60.
fn doubt_alignments(reads: &mut [Read], random: &mut Pcg64) {
    let level = random.random_range(20..45_u8);
    for read in reads {
        let plain = read.cigar.len() == 1;
        if random.random_bool(if plain { 0.03 } else { 0.75 }) {
            read.mapping_quality = read.mapping_quality.min(level);
        }
    }
}

fn more_errors(reads: &mut [Read], rates: &std::ops::Range<f64>, random: &mut Pcg64) {
    let rate = random.random_range(rates.clone());
    for read in reads {
        for i in 0..read.bases.len() {
            if random.random_bool(rate) && read.bases[i] != b'N' {
                let others: Vec<u8> = b"ACGT".iter().copied().filter(|&base| base != read.bases[i]).collect();
                read.bases[i] = others.choose(random).copied().unwrap_or(b'N');
                // Most sequencing errors have low qualities.
                if random.random_bool(0.85) {
                    read.qualities[i] = random.random_range(2..22);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reads::segments::Consumed;
    use crate::testing::{ReadBuilder, cigar_text};

    fn cut(cigar: &str, from: usize, to: usize) -> Option<(u64, String, String)> {
        let read = ReadBuilder::new(100, "ACGTACGTAC").cigar(cigar).build();
        part(&read, from, to)
            .map(|read| (read.span.start(), cigar_text(&read.cigar), String::from_utf8(read.bases.to_vec()).unwrap()))
    }

    #[test]
    fn parts_of_reads_keep_their_positions() {
        assert_eq!(cut("10M", 0, 4), Some((100, "4M".into(), "ACGT".into())));
        assert_eq!(cut("10M", 6, 10), Some((106, "4M".into(), "GTAC".into())));
        assert_eq!(cut("4M2I4M", 3, 9), Some((103, "1M2I3M".into(), "TACGTA".into())));
        assert_eq!(cut("4M2D6M", 2, 6), Some((102, "2M2D2M".into(), "GTAC".into())));
    }

    #[test]
    fn no_part_begins_or_ends_in_a_gap() {
        assert_eq!(cut("4M2I4M", 5, 10), Some((104, "1S4M".into(), "CGTAC".into())));
        assert_eq!(cut("4M2D6M", 4, 8), Some((106, "4M".into(), "ACGT".into())));
        assert_eq!(cut("4M2D6M", 0, 4), Some((100, "4M".into(), "ACGT".into())));
        assert_eq!(cut("3S3M4S", 0, 2), None);
        assert_eq!(cut("3S3M4S", 1, 8), Some((100, "2S3M2S".into(), "CGTACGT".into())));
    }

    #[test]
    fn strands_are_swapped_in_reads_only() {
        let spec = ImageSpec { height: 7, width: 3, ..ImageSpec::default() };
        let mut drawn = PileupImage::empty(spec.shape());
        for row in 0..7 {
            drawn.row_mut(row)[3] = if row == 6 { 240 } else { 70 };
        }
        let mut random = Pcg64::new(1, 1);
        let swapped = (0..20).map(|_| {
            let mut other = drawn.clone();
            image(&mut other, &spec, &mut random);
            [0, 5, 6].map(|row| other.value(row, 0, 3))
        });
        let seen: std::collections::BTreeSet<_> = swapped.collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [[70, 70, 240], [70, 240, 70]]);
    }

    #[test]
    fn depths_vary_around_what_is_left() {
        let all: Vec<Read> = (0..2000).map(|i| ReadBuilder::new(i / 2, "ACGTACGTAC").build()).collect();
        let mut random = Pcg64::new(4, 0);
        let (mut even, mut uneven) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let mut kept = all.clone();
            let Thinned { left, spread } = thin(&mut kept, &DEPTHS[0], 40.0, &mut random);
            let of_median = (small(kept.len()) / small(all.len()) / left).ln();
            if spread > 0.0 { uneven.push(of_median / spread) } else { even.push(of_median) }
        }
        let deviation = |x: &[f64]| (x.iter().map(|x| x * x).sum::<f64>() / small(x.len())).sqrt();
        assert!(even.len() > 80 && deviation(&even) < 0.1, "{} {}", even.len(), deviation(&even));
        assert!(
            uneven.len() > 120 && (0.7..1.3).contains(&deviation(&uneven)),
            "{} {}",
            uneven.len(),
            deviation(&uneven)
        );
        assert!((uneven.iter().sum::<f64>() / small(uneven.len())).abs() < 0.2);
    }

    #[allow(clippy::cast_precision_loss, reason = "some thousand")]
    fn small(n: usize) -> f64 {
        n as f64
    }

    proptest! {
        /// Reads stay consistent under any augmentation.
        #[test]
        fn augmented_reads_are_consistent(seed in any::<u64>()) {
            let text = "ACGTTGCAGT".repeat(15);
            let mut all: Vec<Read> = (0..40)
                .map(|i| {
                    let builder = ReadBuilder::new(i * 3, &text).name(&i.to_string());
                    if i % 2 == 0 { builder.cigar("60M3I40M2D47M").reverse() } else { builder.cigar("20S100M30S") }.build()
                })
                .collect();
            let mut random = Pcg64::new(u128::from(seed), 0);
            let thinned = reads(&mut all, Kind::Short, 40.0, &mut random);
            prop_assert!(thinned.left > 0.05 && thinned.left <= 1.0 && (0.0..0.5).contains(&thinned.spread));
            for read in &all {
                let Consumed { bases, positions } = consumed(&read.cigar);
                prop_assert_eq!(bases, read.bases.len());
                prop_assert_eq!(read.qualities.len(), read.bases.len());
                prop_assert_eq!(positions, read.span.len());
                prop_assert!(read.qualities.iter().all(|&quality| quality <= 41));
            }
        }
    }
}
