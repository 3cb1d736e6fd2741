//! Reads and the haplotypes of their window -> new alignments of the reads to the reference.
//!
//! Nearly all reads fit a haplotype without gaps, with two mismatches at most; they are aligned by a shared 32-mer. A haplotype that such
//! reads do not cover is taken for an artefact of the assembly. The few other reads are aligned to each haplotype with gaps and clips.
//! Each read is then assigned to the haplotype that it fits best, and its alignment is projected to the reference.

use std::cmp::Reverse;
use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::compose::{Alignment, HaplotypeBase, can_shift_left, compose, identity, projection};
use super::local::{End, LocalAligner, LocalAlignment};
use super::scores::Scores;
use super::{code, op};
use crate::genome::reference::to_usize;
use crate::reads::{Cigar, CigarKind, Read};
use crate::variant::allele::{shared_prefix, shared_suffix};

/// Length of the k-mers that seed alignments without gaps: two bits a base in 64.
const SEED: usize = 32;

/// A haplotype as long as the reference with so few differences is best aligned base by base: a gap and its opposite cost
/// as much as two mismatches.
const NEVER_GAPPED: usize = 2;
/// Bases that are aligned beside a haplotype's differences, in bp: farther left than repeats let a gap move.
const SHARED_END: usize = 100;

/// How reads are aligned to haplotypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlignOptions {
    /// Score of a matching base.
    pub matching: i32,
    /// Taken off for a mismatch.
    pub mismatch: i32,
    /// Taken off for a gap's first base.
    pub gap_open: i32,
    /// Taken off for each further base of a gap.
    pub gap_extend: i32,
    /// Most mismatches of a read that is aligned without gaps.
    pub max_mismatches: usize,
    /// Reference added on both sides of the window and its reads, in bp.
    pub margin: u64,
    /// How far from its present position a read is aligned with gaps, in bp.
    pub reach: u64,
}

impl AlignOptions {
    pub(super) fn scores(&self) -> Scores {
        Scores {
            matching: self.matching,
            mismatch: self.mismatch,
            gap_open: self.gap_open,
            gap_extend: self.gap_extend,
        }
    }
}

impl Default for AlignOptions {
    fn default() -> Self {
        Self { matching: 4, mismatch: 6, gap_open: 8, gap_extend: 2, max_mismatches: 2, margin: 20, reach: 100 }
    }
}

/// The reference around a window: the window, and the bases on both sides.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// Position of its first base, 0-based.
    pub start: u64,
    /// All of it.
    pub reference: &'a [u8],
    /// The window's part.
    pub window: Range<usize>,
}

/// New alignments of `reads`, as offsets into the stage; `None` for reads that are not realigned. `haplotypes` are
/// sequences of the window; those that the reads cover are left, the best supported first.
pub fn align(
    reads: &[&Read],
    haplotypes: &mut Vec<Vec<u8>>,
    stage: &Stage,
    options: &AlignOptions,
) -> Vec<Option<Alignment>> {
    let mut placed = placed(reads, haplotypes, stage, options);
    placed.retain(|haplotype| haplotype.is_reference || haplotype.covered);
    // Stable: among equals the order of the sequences stays.
    placed.sort_by_key(|haplotype| Reverse(haplotype.support));
    *haplotypes = placed.iter().map(|haplotype| haplotype.window.clone()).collect();
    best_alignments(reads, placed, stage, options)
}

/// The same for further reads of a window: to the haplotypes that [`align`] left.
#[must_use]
pub fn align_more(
    reads: &[&Read],
    haplotypes: &[Vec<u8>],
    stage: &Stage,
    options: &AlignOptions,
) -> Vec<Option<Alignment>> {
    best_alignments(reads, placed(reads, haplotypes, stage, options), stage, options)
}

/// The haplotypes with the reads that fit them without gaps.
fn placed(reads: &[&Read], haplotypes: &[Vec<u8>], stage: &Stage, options: &AlignOptions) -> Vec<Placed> {
    let bases: Vec<&[u8]> = reads.iter().map(|read| &*read.bases).collect();
    let seeds = Seeds::of(&bases, options.max_mismatches);
    haplotypes.iter().map(|haplotype| Placed::new(haplotype, stage, &bases, &seeds, options)).collect()
}

/// The alignments of the reads, each to the haplotype that it fits best, the first of equals.
fn best_alignments(
    reads: &[&Read],
    mut placed: Vec<Placed>,
    stage: &Stage,
    options: &AlignOptions,
) -> Vec<Option<Alignment>> {
    let mut aligner = LocalAligner::new(options.scores());
    for haplotype in &mut placed {
        haplotype.map_to_reference(stage.reference, &mut aligner);
    }
    for (i, read) in reads.iter().enumerate() {
        if placed.iter().all(|haplotype| haplotype.fits[i].is_none()) {
            let around = mapped(read, stage, options);
            // Haplotypes that are the same there need one score, those that fit worse than another none, and only the best an alignment.
            let (mut done, mut highest) = (FxHashMap::default(), 0);
            let ends = placed.iter().enumerate().filter_map(|(at, haplotype)| {
                let part = haplotype.part(&around);
                let target = &haplotype.bases[part.clone()];
                let end = (*done.entry(target).or_insert_with(|| aligner.end(&read.bases, target, highest)))?;
                highest = highest.max(end.score);
                Some((at, part, end))
            });
            let ends: Vec<(usize, Range<usize>, End)> = ends.collect();
            let best = ends.into_iter().rev().max_by_key(|(at, _, end)| (end.score, !placed[*at].is_reference));
            if let Some((at, part, end)) = best {
                let found = aligner.align_to(end, &read.bases, &placed[at].bases[part.clone()]);
                let fit = Fit::gapped(&read.bases, found);
                placed[at].fits[i] = Some(Fit { start: fit.start + part.start, ..fit });
            }
        }
    }
    reads
        .iter()
        .enumerate()
        .map(|(i, read)| {
            let (haplotype, fit) = best(&placed, i)?;
            let alignment = compose(fit.start, &fit.cigar, &haplotype.projection)?;
            (!can_shift_left(&alignment, &read.bases, stage.reference)).then_some(alignment)
        })
        .collect()
}

/// The part of the stage that the read would cover if it were aligned end to end at its present position, with [`AlignOptions::reach`].
fn mapped(read: &Read, stage: &Stage, options: &AlignOptions) -> Range<usize> {
    let clip = |op: Option<&Cigar>| op.filter(|op| op.kind == CigarKind::SoftClip).map_or(0, |op| u64::from(op.length));
    let (head, tail) = (clip(read.cigar.first()), clip(read.cigar.last()));
    let offset = |position: u64| to_usize(position.saturating_sub(stage.start)).min(stage.reference.len());
    offset(read.span.start().saturating_sub(head + options.reach))..offset(read.span.end() + tail + options.reach)
}

/// The haplotype that fits the read best; of equals, one that is not the reference, then the best supported.
fn best(haplotypes: &[Placed], read: usize) -> Option<(&Placed, &Fit)> {
    let fits = haplotypes.iter().filter_map(|haplotype| Some((haplotype, haplotype.fits[read].as_ref()?)));
    // `max_by_key` takes the last of equals.
    fits.rev().max_by_key(|(haplotype, fit)| (fit.score, !haplotype.is_reference))
}

/// How a read fits a haplotype.
#[derive(Debug)]
pub(super) struct Fit {
    score: i32,
    /// The haplotype's base that its first aligned base lies on.
    pub(super) start: usize,
    pub(super) cigar: Vec<Cigar>,
}

impl Fit {
    /// A local alignment, the read's unaligned ends as soft clips.
    pub(super) fn gapped(read: &[u8], found: LocalAlignment) -> Self {
        let clip = |n: usize| (n > 0).then(|| op(CigarKind::SoftClip, n));
        let head = clip(found.query.start);
        let tail = clip(read.len() - found.query.end);
        Self {
            score: found.score,
            start: found.target.start,
            cigar: head.into_iter().chain(found.cigar).chain(tail).collect(),
        }
    }
}

/// A haplotype with its surroundings and the reads on it.
struct Placed {
    /// Its bases in the window.
    window: Vec<u8>,
    bases: Vec<u8>,
    is_reference: bool,
    /// True where reads without gaps cover the whole window.
    covered: bool,
    /// Sum of the scores of reads without gaps.
    support: i64,
    /// One for each read.
    fits: Vec<Option<Fit>>,
    projection: Vec<HaplotypeBase>,
}

impl Placed {
    fn new(window: &[u8], stage: &Stage, reads: &[&[u8]], seeds: &Seeds, options: &AlignOptions) -> Self {
        let (before, after) = (&stage.reference[..stage.window.start], &stage.reference[stage.window.end..]);
        let bases = [before, window, after].concat();
        let starts = seeds.starts(&bases, reads, options.max_mismatches);
        let mut depth_change = vec![0_i32; bases.len() + 1];
        let mut support = 0;
        let fits = reads
            .iter()
            .zip(starts)
            .map(|(read, start)| {
                let (start, mismatches) = start?;
                let length = read.len();
                depth_change[start] += 1;
                depth_change[start + length] -= 1;
                let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
                let score = options.matching * count(length - mismatches) - options.mismatch * count(mismatches);
                support += i64::from(score);
                Some(Fit { score, start, cigar: vec![op(CigarKind::Match, length)] })
            })
            .collect();
        let inside = before.len()..before.len() + window.len();
        let depths = depth_change.iter().scan(0, |depth, change| {
            *depth += change;
            Some(*depth)
        });
        let covered = depths.skip(inside.start).take(inside.len()).all(|depth| depth > 0);
        let is_reference = bases == stage.reference;
        Self { window: window.to_vec(), bases, is_reference, covered, support, fits, projection: Vec::new() }
    }

    /// The haplotype's part over a part of the stage.
    fn part(&self, stage: &Range<usize>) -> Range<usize> {
        let at_or_after =
            |from: usize| self.projection.iter().position(|base| matches!(base, HaplotypeBase::At(at) if *at >= from));
        let first = |from: usize| at_or_after(from).unwrap_or(self.projection.len());
        first(stage.start)..first(stage.end)
    }

    fn map_to_reference(&mut self, reference: &[u8], aligner: &mut LocalAligner) {
        let bases = &self.bases;
        let differ = bases.iter().zip(reference).filter(|(a, b)| a != b).count();
        if bases.len() == reference.len() && differ <= NEVER_GAPPED {
            self.projection = identity(bases.len());
            return;
        }
        // Shared ends are aligned to themselves; all but a part of them is left out of the alignment.
        let head = shared_prefix(bases, reference).saturating_sub(SHARED_END);
        let tail = shared_suffix(&bases[head..], [&reference[head..]]).saturating_sub(SHARED_END);
        let (query, target) = (head..bases.len() - tail, head..reference.len() - tail);
        self.projection = match aligner.align(&bases[query.clone()], &reference[target]) {
            Some(found) => {
                let middle = projection(query.len(), &found).into_iter().map(|base| base.moved(head));
                let ends = (reference.len() - tail..reference.len()).map(HaplotypeBase::At);
                (0..head).map(HaplotypeBase::At).chain(middle).chain(ends).collect()
            }
            None => vec![HaplotypeBase::Unaligned; bases.len()],
        };
    }
}

/// Where 32-mers occur in the reads: a chain of (read, offset) for each. Of each read as many are kept as its placements with the most
/// mismatches need ([`stride`]).
pub(super) struct Seeds {
    first: FxHashMap<u64, u32>,
    /// Read, offset, and the next entry of the chain.
    entries: Vec<(u32, u32, Option<u32>)>,
}

impl Seeds {
    pub(super) fn of(reads: &[&[u8]], max_mismatches: usize) -> Self {
        let mut first = FxHashMap::default();
        let mut entries = Vec::new();
        for (read, bases) in (0_u32..).zip(reads) {
            let stride = stride(bases, max_mismatches);
            for (offset, kmer) in kmers(bases).filter(|(offset, _)| offset % stride == 0) {
                let entry = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                let next = first.insert(kmer, entry);
                entries.push((read, u32::try_from(offset).unwrap_or(u32::MAX), next));
            }
        }
        Self { first, entries }
    }

    /// For each read its best alignment to the haplotype without gaps that shares a 32-mer with it: start and mismatches. Of equals the one
    /// whose first shared 32-mer lies farthest left in the haplotype.
    pub(super) fn starts(
        &self,
        haplotype: &[u8],
        reads: &[&[u8]],
        max_mismatches: usize,
    ) -> Vec<Option<(usize, usize)>> {
        let mut best: Vec<Option<(usize, usize)>> = vec![None; reads.len()];
        let mut tried = vec![usize::MAX; reads.len()];
        for (position, kmer) in kmers(haplotype) {
            let mut entry = self.first.get(&kmer).copied();
            while let Some((read, offset, next)) = entry.and_then(|i| self.entries.get(i as usize)).copied() {
                entry = next;
                let read = read as usize;
                let Some(start) = position.checked_sub(offset as usize) else { continue };
                // Neighbouring seeds of a read give the same start.
                if std::mem::replace(&mut tried[read], start) == start {
                    continue;
                }
                let bases = reads[read];
                let Some(target) = haplotype.get(start..start + bases.len()) else { continue };
                let limit = best[read].map_or(max_mismatches, |(_, mismatches)| mismatches);
                let differ = mismatches(bases, target, limit);
                let first = |start: usize| (first_shared(bases, &haplotype[start..]).map(|at| start + at), start);
                let is_better = match best[read] {
                    Some((other, mismatches)) if differ == mismatches => first(start) < first(other),
                    _ => differ <= limit,
                };
                if is_better {
                    best[read] = Some((start, differ));
                }
            }
        }
        best
    }
}

/// How far apart 32-mers of a read may be so that each placement of it with so few mismatches, if it shares any, shares one of these: mismatches
/// and N divide it into runs that match, the longest of which holds a 32-mer that begins at a multiple of this.
fn stride(read: &[u8], max_mismatches: usize) -> usize {
    let breaks = max_mismatches + read.iter().filter(|base| code(**base).is_none()).count();
    let longest_run = read.len().saturating_sub(breaks).div_ceil(breaks + 1);
    (longest_run + 1).saturating_sub(SEED).max(1)
}

/// Offset of the first 32 bases of A, C, G, T that both share.
fn first_shared(read: &[u8], haplotype: &[u8]) -> Option<usize> {
    let mut run = 0;
    read.iter().zip(haplotype).enumerate().find_map(|(i, (a, b))| {
        run = if a == b && code(*a).is_some() { run + 1 } else { 0 };
        (run == SEED).then(|| i + 1 - SEED)
    })
}

/// Bases that differ from those of a haplotype, N left out; where they are more than `limit`, any number greater than it.
#[allow(clippy::needless_bitwise_bool, reason = "branches are not turned into vectors")]
fn mismatches(bases: &[u8], target: &[u8], limit: usize) -> usize {
    let mut mismatches = 0;
    // Chunks without an early end are turned into vectors.
    for (bases, target) in bases.chunks(2 * SEED).zip(target.chunks(2 * SEED)) {
        let differs = bases.iter().zip(target).map(|(a, b)| u8::from((a != b) & (*a != b'N')));
        mismatches += usize::from(differs.sum::<u8>());
        if mismatches > limit {
            break;
        }
    }
    mismatches
}

/// The 32-mers of A, C, G, T with their offsets.
fn kmers(bases: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let (mut kmer, mut known) = (0_u64, 0_usize);
    bases.iter().enumerate().filter_map(move |(i, base)| {
        let Some(code) = code(*base) else {
            known = 0;
            return None;
        };
        kmer = (kmer << 2) | u64::from(code);
        known += 1;
        (known >= SEED).then(|| (i + 1 - SEED, kmer))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, cigar_text};

    const BEFORE: &str = "TTGACCATGCAAGTCGATTGCAACTGGATCCAGTTACGAC";
    const WINDOW: &str = "GGATCTCCTAGAAGCTACGGTTTAACATGCGTATCGGCAT";
    const AFTER: &str = "CTTAGGCCAATCTGTGAACGTTCAGCTAAGGTCCATTCGA";

    fn stage_bases() -> String {
        [BEFORE, WINDOW, AFTER].concat()
    }

    /// Aligns reads to haplotypes of the window; the starts and CIGARs that come out.
    fn aligned(reads: &[&str], haplotypes: &[&str]) -> Vec<Option<(usize, String)>> {
        let reads: Vec<_> = reads.iter().map(|bases| ReadBuilder::new(0, bases).build()).collect();
        let reads: Vec<_> = reads.iter().collect();
        let mut haplotypes: Vec<_> = haplotypes.iter().map(|bases| bases.as_bytes().to_vec()).collect();
        let reference = stage_bases();
        let stage =
            Stage { start: 0, reference: reference.as_bytes(), window: BEFORE.len()..BEFORE.len() + WINDOW.len() };
        let found = align(&reads, &mut haplotypes, &stage, &AlignOptions::default());
        // One at a time, they get the same alignments as together.
        for (read, together) in reads.iter().zip(&found) {
            let alone = align_more(&[*read], &haplotypes, &stage, &AlignOptions::default());
            assert_eq!(alone.first(), Some(together));
        }
        found.into_iter().map(|a| a.map(|a| (a.start, cigar_text(&a.cigar)))).collect()
    }

    fn whole(window: &str) -> String {
        [BEFORE, window, AFTER].concat()
    }

    #[test]
    fn reads_take_the_haplotype_they_fit() {
        let deletion = WINDOW.replace("CTACGG", "CGG");
        let (with, without) = (whole(&deletion), stage_bases());
        let found = aligned(&[&with[10..100], &without[10..100]], &[WINDOW, &deletion]);
        // GCTACGG less TAC, or ACG, ...: the leftmost position.
        assert_eq!(found, [Some((10, "44M3D46M".into())), Some((10, "90M".into()))]);
    }

    #[test]
    fn an_insertion_is_carried_over() {
        let insertion = WINDOW.replace("AAGCTA", "AAGTTCCTA");
        let with = whole(&insertion);
        let found = aligned(&[&with[20..110]], &[WINDOW, &insertion]);
        assert_eq!(found, [Some((20, "34M3I53M".into()))]);
    }

    #[test]
    fn a_haplotype_that_reads_leave_uncovered_is_dropped() {
        // The read ends five bases after an insertion of twelve: too few to pay for it, so by itself it is clipped there.
        let insertion = WINDOW.replace("AAGCTA", "AAGTTCCGGATTCTTCTA");
        let with = whole(&insertion);
        let (left, right) = (&with[10..71], &with[45..120]);
        assert!(aligned(&[left], &[WINDOW, &insertion])[0].as_ref().is_some_and(|(_, cigar)| cigar.ends_with('S')));
        assert_eq!(aligned(&[left, right], &[WINDOW, &insertion])[0], Some((10, "44M12I5M".into())));
    }

    #[test]
    fn unknown_bases_of_a_read_are_no_mismatches() {
        let reference = stage_bases();
        let half = [&reference[20..60], "NNNNNNNNNNNNNNNNNNNN"].concat();
        assert_eq!(aligned(&[&half], &[WINDOW]), [Some((20, "60M".into()))]);
    }

    #[test]
    fn reads_that_fit_nowhere_are_aligned_with_gaps_and_clips() {
        let reference = stage_bases();
        let deletion = [&reference[10..60], &reference[66..100]].concat();
        let clipped = [&reference[30..90], "CCCCCCCCCC"].concat();
        let found = aligned(&[&deletion, &clipped], &[WINDOW]);
        assert_eq!(found[0].as_ref().map(|(start, _)| *start), Some(10));
        assert!(found[0].as_ref().is_some_and(|(_, cigar)| cigar.contains("6D")), "{found:?}");
        assert_eq!(found[1], Some((30, "60M10S".into())));
    }

    #[test]
    fn of_equals_the_one_that_is_not_the_reference_wins() {
        // The read lies beside the difference.
        let changed = WINDOW.replace("GGATCT", "GGTTCT");
        let with = whole(&changed);
        let reference = stage_bases();
        let found = aligned(&[&with[0..110], &reference[45..120]], &[WINDOW, &changed]);
        assert_eq!(found, [Some((0, "110M".into())), Some((45, "75M".into()))]);
    }

    #[test]
    fn short_reads_are_aligned_too() {
        let reference = stage_bases();
        assert_eq!(aligned(&[&reference[50..75]], &[WINDOW]), [Some((50, "25M".into()))]);
    }
}
