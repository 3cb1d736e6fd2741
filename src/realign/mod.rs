//! Reads of a region -> the same reads, realigned where their alignments disagree.
//!
//! A mapper aligns each read by itself, so reads over one insertion or deletion can be aligned differently: with the indel, with
//! mismatches, or with a clipped end. [`windows`](mod@windows) finds such windows, `graph` assembles the haplotypes that the reads come
//! from, and `align` gives each read the alignment of the haplotype that it fits best. Bases and qualities do not change.
//!
//! Of a region with more reads than are kept, a sample is realigned; its windows and haplotypes are the [`Plan`] by which all its reads
//! are aligned, in batches.

pub(crate) mod align;
pub(crate) mod compose;
pub(crate) mod graph;
pub(crate) mod haplotype;
pub(crate) mod local;
mod narrow;
mod scores;
mod shared_kmers;
mod trace;
pub mod windows;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::genome::reference::to_usize;
use crate::genome::{Interval, ReferenceWindow};
use crate::reads::trimmed::{trim_alignment, untrimmed};
use crate::reads::{Cigar, CigarKind, Read};

pub use align::AlignOptions;
pub use graph::GraphOptions;
pub use haplotype::{OnHaplotype, to_haplotype};
pub use windows::WindowOptions;

/// Mismatches in a read without gaps from which on it may hide a gap.
const MANY_MISMATCHES: u32 = 3;
/// Reads that are aligned to the haplotypes of a plan at once: with the most haplotypes there are, 15 MB.
const READS_AT_ONCE: usize = 1024;

/// How reads are realigned; stored in a model, since the model was trained on such reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealignOptions {
    /// Longest read that is realigned, in bp.
    pub max_read_length: usize,
    /// How windows are found.
    pub windows: WindowOptions,
    /// How haplotypes are assembled.
    pub graph: GraphOptions,
    /// How reads are aligned to haplotypes.
    pub align: AlignOptions,
}

impl Default for RealignOptions {
    fn default() -> Self {
        Self {
            max_read_length: 500,
            windows: WindowOptions::default(),
            graph: GraphOptions::default(),
            align: AlignOptions::default(),
        }
    }
}

/// Realigns `reads`, which overlap `region`, in place and in [`Read::order`]. `reference` should reach beyond the reads on
/// both sides, N off the contig. Returns the number of changed alignments, and the plan by which further reads of the region are aligned.
pub fn realign(
    region: Interval,
    reads: &mut [Read],
    reference: &ReferenceWindow,
    options: &RealignOptions,
) -> (usize, Plan) {
    let windows = windows::windows(region, reads, reference, &options.windows);
    let assigned = assigned(&windows, reads, options);
    let mut plan = Plan::default();
    let mut alignments = Vec::new();
    for (interval, members) in windows.into_iter().zip(assigned) {
        let mut window = Window { interval, around: interval, haplotypes: Vec::new() };
        if may_improve(interval, reads, reference, options.windows.min_base_quality) {
            alignments.extend(window.realign(reads, &members, reference, options));
        }
        plan.windows.push(window);
    }
    (apply(reads, alignments), plan)
}

/// The windows of a region, with the haplotypes that a sample of its reads gave.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    windows: Vec<Window>,
}

#[derive(Clone, Debug)]
struct Window {
    interval: Interval,
    /// It and its reads, with a margin.
    around: Interval,
    /// The haplotypes that reads are aligned to, the best supported first; empty where reads are not realigned.
    haplotypes: Vec<Vec<u8>>,
}

impl Plan {
    /// The windows with the haplotypes that reads were aligned to, the best supported first; none where no alignment could improve.
    pub fn windows(&self) -> impl Iterator<Item = (Interval, &[Vec<u8>])> {
        self.windows.iter().map(|window| (window.interval, window.haplotypes.as_slice()))
    }

    /// Aligns further reads of the region in place and in [`Read::order`]. A read's alignment does not depend on other
    /// reads: time grows with their number, memory does not.
    pub fn realign(&self, reads: &mut [Read], reference: &ReferenceWindow, options: &RealignOptions) {
        let intervals: Vec<Interval> = self.windows.iter().map(|window| window.interval).collect();
        let assigned = assigned(&intervals, reads, options);
        let mut alignments = Vec::new();
        for (window, members) in self.windows.iter().zip(assigned).filter(|(window, _)| !window.haplotypes.is_empty()) {
            for members in members.chunks(READS_AT_ONCE) {
                alignments.extend(window.realign_more(reads, members, reference, options));
            }
        }
        apply(reads, alignments);
    }
}

/// A new alignment: index of the read, start and CIGAR.
type NewAlignment = (usize, u64, Box<[Cigar]>);

/// Gives reads new alignments and sorts them; how many changed.
fn apply(reads: &mut [Read], alignments: Vec<NewAlignment>) -> usize {
    let mut changed = 0;
    for (i, start, cigar) in alignments {
        changed += usize::from(reads[i].realign(start, cigar));
    }
    if changed > 0 {
        reads.sort_by(|a, b| a.order().cmp(&b.order()));
    }
    changed
}

/// Indexes of the reads that belong to each window.
fn assigned(windows: &[Interval], reads: &[Read], options: &RealignOptions) -> Vec<Vec<usize>> {
    let mut assigned: Vec<Vec<usize>> = vec![Vec::new(); windows.len()];
    for (i, read) in reads.iter().enumerate().filter(|(_, read)| can_move(read, options)) {
        if let Some(window) = most_overlapped(windows, read.span) {
            assigned[window].push(i);
        }
    }
    assigned
}

/// Whether reads over a window may be aligned better: one has a gap or a clipped end, or two have many mismatches. Otherwise all
/// haplotypes are as long as the reference, and each read fits its own best at its present position.
fn may_improve(window: Interval, reads: &[Read], reference: &ReferenceWindow, min_base_quality: u8) -> bool {
    let gapped = |kind| matches!(kind, CigarKind::Insertion | CigarKind::Deletion | CigarKind::SoftClip);
    let over = || reads.iter().filter(|read| read.span.overlaps(window));
    over().any(|read| read.cigar.iter().any(|op| gapped(op.kind)))
        || over().filter(|read| mismatches(read, reference, min_base_quality) >= MANY_MISMATCHES).nth(1).is_some()
}

/// Mismatches of a read without gaps and clipped ends, where its base quality is high enough.
#[allow(clippy::needless_bitwise_bool, reason = "branches are not turned into vectors")]
fn mismatches(read: &Read, reference: &ReferenceWindow, min_base_quality: u8) -> u32 {
    let start = read.span.start().cast_signed();
    let Some(expected) = reference.slice(start, read.span.end().cast_signed()) else { return 0 };
    let bases = read.bases.iter().zip(&read.qualities).zip(expected);
    bases.map(|((base, quality), expected)| u32::from((base != expected) & (*quality >= min_base_quality))).sum()
}

fn can_move(read: &Read, options: &RealignOptions) -> bool {
    read.bases.len() <= options.max_read_length && read.cigar.iter().all(|op| op.kind != CigarKind::Skip)
}

/// Index of the window that shares most positions with `span`, the first of equals.
fn most_overlapped(windows: &[Interval], span: Interval) -> Option<usize> {
    let shared = windows.iter().map(|window| window.intersect(span).len()).enumerate();
    shared.filter(|(_, n)| *n > 0).rev().max_by_key(|(_, n)| *n).map(|(i, _)| i)
}

impl Window {
    /// Assembles the haplotypes from all reads and aligns `members` to them.
    fn realign(
        &mut self,
        reads: &[Read],
        members: &[usize],
        reference: &ReferenceWindow,
        options: &RealignOptions,
    ) -> Vec<NewAlignment> {
        self.around = self.with(reads, members, options);
        let Some(stage) = self.stage(self.around, reference) else { return Vec::new() };
        let is_over = |read: &&Read| read.span.overlaps(self.interval) && can_move(read, options);
        let overlapping: Vec<Cow<Read>> = reads.iter().filter(is_over).map(untrimmed).collect();
        let inside = &stage.reference[stage.window.clone()];
        let overlapping = overlapping.iter().map(AsRef::as_ref);
        let Some(mut haplotypes) = graph::haplotypes(inside, overlapping, &options.graph) else { return Vec::new() };
        let movable: Vec<Cow<Read>> = members.iter().map(|&i| untrimmed(&reads[i])).collect();
        let movable: Vec<&Read> = movable.iter().map(AsRef::as_ref).collect();
        let found = align::align(&movable, &mut haplotypes, &stage, &options.align);
        self.haplotypes = haplotypes;
        in_genome(&stage, reads, members, found)
    }

    /// Aligns further reads to the haplotypes.
    fn realign_more(
        &self,
        reads: &[Read],
        members: &[usize],
        reference: &ReferenceWindow,
        options: &RealignOptions,
    ) -> Vec<NewAlignment> {
        let Some(stage) = self.stage(self.with(reads, members, options), reference) else { return Vec::new() };
        let movable: Vec<Cow<Read>> = members.iter().map(|&i| untrimmed(&reads[i])).collect();
        let movable: Vec<&Read> = movable.iter().map(AsRef::as_ref).collect();
        let found = align::align_more(&movable, &self.haplotypes, &stage, &options.align);
        in_genome(&stage, reads, members, found)
    }

    /// The earlier interval around it, extended to these reads.
    fn with(&self, reads: &[Read], members: &[usize], options: &RealignOptions) -> Interval {
        let needed = members.iter().fold(self.interval, |all, &i| {
            let with_ends = reads[i].span_with_trimmed_ends();
            Interval::new(all.start().min(with_ends.start()), all.end().max(with_ends.end()))
        });
        let needed = needed.padded(options.align.margin, u64::MAX - options.align.margin);
        Interval::new(needed.start().min(self.around.start()), needed.end().max(self.around.end()))
    }

    fn stage<'a>(&self, around: Interval, reference: &'a ReferenceWindow) -> Option<align::Stage<'a>> {
        let bases = reference.slice(around.start().cast_signed(), around.end().cast_signed())?;
        let first = to_usize(self.interval.start() - around.start());
        Some(align::Stage {
            start: around.start(),
            reference: bases,
            window: first..first + to_usize(self.interval.len()),
        })
    }
}

/// Alignments to a stage as alignments to the contig, without the ends that were dropped.
fn in_genome(
    stage: &align::Stage,
    reads: &[Read],
    members: &[usize],
    found: Vec<Option<compose::Alignment>>,
) -> Vec<NewAlignment> {
    let alignments = members.iter().zip(found);
    let placed = alignments.filter_map(|(&i, alignment)| {
        let compose::Alignment { start, cigar } = alignment?;
        let (start, cigar) = trim_alignment(&reads[i], stage.start + start as u64, cigar)?;
        Some((i, start, cigar.into()))
    });
    placed.collect()
}

/// An operation of a CIGAR.
fn op(kind: CigarKind, length: usize) -> Cigar {
    Cigar { kind, length: u32::try_from(length).unwrap_or(u32::MAX) }
}

/// Two bits for a base; `None` for other letters. From a table, since no processor foresees the branches on a base.
fn code(base: u8) -> Option<u8> {
    const CODES: [u8; 256] = {
        let mut codes = [4; 256];
        codes[b'A' as usize] = 0;
        codes[b'C' as usize] = 1;
        codes[b'G' as usize] = 2;
        codes[b'T' as usize] = 3;
        codes
    };
    let code = CODES[usize::from(base)];
    (code < 4).then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::reads::Trimmed;
    use crate::reads::segments::{Consumed, consumed};
    use crate::testing::{ReadBuilder, cigar_text};

    const READ: usize = 60;

    /// Reads that cover `haplotype`, each aligned without gaps to the reference near its position, as a careless mapper would.
    fn careless(haplotype: &str, start: usize, length: usize, step: usize) -> Vec<Read> {
        let last = length.min(haplotype.len()).saturating_sub(start + READ);
        let starts = (0..last).step_by(step).map(|offset| start + offset);
        starts
            .map(|at| ReadBuilder::new(at as u64, &haplotype[at..at + READ]).name(&format!("{at:04}")).build())
            .collect()
    }

    fn realigned(reference: &str, mut reads: Vec<Read>) -> (usize, Vec<Read>) {
        reads.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let padded = format!("{0}{reference}{0}", "N".repeat(100));
        let window = ReferenceWindow::new(-100, padded.into_bytes());
        let region = Interval::new(0, reference.len() as u64);
        let all = reads.clone();
        let (changed, plan) = realign(region, &mut reads, &window, &RealignOptions::default());
        // Aligned by the plan, one at a time, they get the same alignments as together.
        let mut again: Vec<Read> = all
            .into_iter()
            .map(|read| {
                let mut one = [read];
                plan.realign(&mut one, &window, &RealignOptions::default());
                let [read] = one;
                read
            })
            .collect();
        again.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        assert_eq!(again, reads);
        (changed, reads)
    }

    // No 10-mer twice.
    const REFERENCE: &str = "TTGACCATGCAAGTCGATTGCAACTGGATCCAGTTACGACGGATCTCCTAGAAGCTACGGTTTAACATGCGTATCGGCAT\
        CTTAGGCCAATCTGTGAACGTTCAGCTAAGGTCCATTCGATAGCCGTGACTTGCGCAATACGGCCTATTAGTGGACCGAA";

    #[test]
    fn reads_of_a_deletion_agree_on_it() {
        let haplotype = REFERENCE.replace("AACATGCG", "AACG");
        let (changed, reads) = realigned(REFERENCE, careless(&haplotype, 0, 160, 3));
        assert!(changed > 5);
        let spanning: Vec<_> = reads.iter().filter(|r| r.span.start() < 55 && r.span.end() > 85).collect();
        assert!(spanning.len() > 5);
        for read in spanning {
            assert!(cigar_text(&read.cigar).contains("M4D"), "{read:?}");
            let before = read.moved_from.as_ref().unwrap();
            assert_eq!((before.start, cigar_text(&before.cigar)), (read.start_in_file(), "60M".into()));
        }
    }

    #[test]
    fn a_primer_says_where_the_bases_beside_it_lie() {
        let haplotype = [&REFERENCE[..80], "GGTTGG", &REFERENCE[80..]].concat();
        let mut amplicon = ReadBuilder::new(30, &haplotype[30..106]).cigar("50M6I4M16S").copies(4);
        let window = ReferenceWindow::new(0, REFERENCE.as_bytes().to_vec());
        Trimmed::of(&amplicon, &window).drop_from(&mut amplicon, &window);
        assert_eq!(cigar_text(&amplicon[0].cigar), "50M6I4M16H");
        // Other reads show a variant, so that there is a haplotype to align to.
        let others = careless(&REFERENCE.replace("AATACGGCC", "AATATGGCC"), 0, 160, 3);
        let alignment = |amplicon: &[Read]| {
            let (_, after) = realigned(REFERENCE, [amplicon, &others].concat());
            let read = after.into_iter().find(|read| read.name == amplicon[0].name).unwrap();
            assert_eq!((read.span.start(), read.bases.len()), (30, 60));
            cigar_text(&read.cigar).trim_end_matches("16H").to_owned()
        };
        assert_eq!(alignment(&amplicon), "50M6I4M");
        // Four bases do not pay for a gap of six.
        for read in &mut amplicon {
            read.trimmed_ends = None;
        }
        assert_eq!(alignment(&amplicon), "50M10S");
    }

    #[test]
    fn reads_that_agree_with_the_reference_stay() {
        let reads = careless(REFERENCE, 0, 160, 3);
        let (changed, after) = realigned(REFERENCE, reads.clone());
        assert_eq!((changed, after), (0, reads));
    }

    #[test]
    fn long_and_spliced_reads_stay() {
        let haplotype = REFERENCE.replace("AACATGCG", "AACG");
        let mut reads = careless(&haplotype, 0, 160, 3);
        let spliced = ReadBuilder::new(20, &haplotype[20..80]).cigar("30M5N30M").name("spliced").build();
        reads.push(spliced.clone());
        let (_, after) = realigned(REFERENCE, reads);
        assert!(after.contains(&spliced));
        let short = RealignOptions { max_read_length: READ - 1, ..RealignOptions::default() };
        let mut reads = careless(&haplotype, 0, 160, 3);
        let window = ReferenceWindow::new(0, REFERENCE.as_bytes().to_vec());
        assert_eq!(realign(Interval::new(0, 160), &mut reads, &window, &short).0, 0);
    }

    #[test]
    fn a_read_goes_to_the_window_it_overlaps_most() {
        let windows = [Interval::new(0, 100), Interval::new(100, 200), Interval::new(300, 400)];
        let of = |start, end| most_overlapped(&windows, Interval::new(start, end));
        assert_eq!((of(60, 161), of(40, 141), of(50, 150)), (Some(1), Some(0), Some(0)));
        assert_eq!((of(199, 310), of(200, 300)), (Some(2), None));
    }

    proptest! {
        /// Whatever the reads, a realigned read keeps its bases and qualities, and its CIGAR spans them and its interval.
        #[test]
        fn realigned_reads_are_consistent(
            reference in "[ACGT]{250,300}",
            inserted in "[ACGT]{0,12}",
            at in 60_usize..180,
            deleted in 0_usize..12,
            step in 2_usize..9,
        ) {
            let haplotype = [&reference[..at], &inserted, &reference[at + deleted..]].concat();
            let mut reads = careless(&haplotype, 0, 300, step);
            // Reads of the other haplotype, some with clipped ends.
            for (i, mut read) in careless(&reference, 3, 250, 2 * step).into_iter().enumerate() {
                read.name = format!("other-{i:04}").into_bytes().into();
                if i % 3 == 0 {
                    read.realign(read.span.start() + 20, crate::testing::cigar("20S40M"));
                    read.moved_from = None;
                }
                reads.push(read);
            }
            let content = |reads: &[Read]| -> BTreeMap<_, _> {
                reads.iter().map(|r| (r.name.clone(), (r.bases.clone(), r.qualities.clone(), r.start_in_file()))).collect()
            };
            let before = content(&reads);
            let (_, after) = realigned(&reference, reads);
            prop_assert_eq!(before, content(&after));
            prop_assert!(after.windows(2).all(|pair| pair[0].order() <= pair[1].order()));
            for read in &after {
                let Consumed { bases, positions } = consumed(&read.cigar);
                prop_assert_eq!(bases, read.bases.len());
                prop_assert_eq!(positions, read.span.len());
                prop_assert!(read.span.end() <= reference.len() as u64, "{:?}", read);
                prop_assert!(read.cigar.windows(2).all(|pair| pair[0].kind != pair[1].kind));
            }
        }
    }
}
