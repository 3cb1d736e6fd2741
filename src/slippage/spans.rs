//! [`Read`]s over [`Tract`]s -> the lengths that their fragments show ([`Lengths`]).
//!
//! Both reads of a fragment are copies of one molecule and mostly show the same false length (docs/reads.md: 91 of 107), so they have one vote.
//! Substitutions do not change a length and are not looked at.

use rustc_hash::FxHashMap;

use super::tracts::{Indel, Tract};
use crate::reads::{CigarKind, Read};

/// How far a read must reach beyond a tract on both sides to tell its length, in bp: an aligner pays for an indel with about as many matches.
const FLANK: u64 = 5;

/// How many fragments show each length of a tract, in bp more than the reference has; ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths(Vec<(i32, u32)>);

impl Lengths {
    /// Of fragments' lengths, in any order.
    #[must_use]
    pub fn of(mut gained: Vec<i32>) -> Self {
        gained.sort_unstable();
        Self(
            gained
                .chunk_by(|a, b| a == b)
                .map(|same| (same[0], u32::try_from(same.len()).unwrap_or(u32::MAX)))
                .collect(),
        )
    }

    /// Each length with its fragments.
    pub fn iter(&self) -> impl Iterator<Item = (i32, u32)> {
        self.0.iter().copied()
    }

    /// All fragments.
    #[must_use]
    pub fn fragments(&self) -> u32 {
        self.0.iter().map(|&(_, fragments)| fragments).sum()
    }
}

/// A tract and what the fragments that span it show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The tract.
    pub tract: Tract,
    /// The lengths.
    pub lengths: Lengths,
    /// The same of the fragments of no haplotype, of 1 and of 2; empty where no read has one.
    pub by_haplotype: [Lengths; 3],
}

/// What the fragments show of each tract. Reads are in [`Read::order`] and finally aligned, tracts by position.
#[must_use]
pub fn observe(reads: &[Read], tracts: Vec<Tract>) -> Vec<Observed> {
    let mut votes: Vec<Vec<(u32, i32, u8)>> = vec![Vec::new(); tracts.len()];
    let phased = reads.iter().any(|read| read.haplotype > 0);
    let fragments = fragments(reads);
    let mut indels = Vec::new();
    for (read, &fragment) in reads.iter().zip(&fragments) {
        let (first, last) = (read.span.start() + FLANK, read.span.end().saturating_sub(FLANK));
        let from = tracts.partition_point(|tract| tract.interval.start() < first);
        if tracts.get(from).is_none_or(|tract| tract.interval.start() >= last) || !indels_of(read, &mut indels) {
            continue;
        }
        let reached =
            tracts[from..].iter().zip(&mut votes[from..]).take_while(|(tract, _)| tract.interval.start() < last);
        for (tract, votes) in reached.filter(|(tract, _)| tract.interval.end() <= last) {
            let changes = indels.iter().filter(|indel| tract.is_changed_by(indel));
            votes.push((fragment, changes.map(Indel::gained).sum(), read.haplotype));
        }
    }
    let observed = tracts.into_iter().zip(votes).map(|(tract, mut votes)| {
        // Stable, so that the read that comes first in the order speaks for its fragment.
        votes.sort_by_key(|&(fragment, ..)| fragment);
        votes.dedup_by_key(|&mut (fragment, ..)| fragment);
        let of = |wanted: &dyn Fn(u8) -> bool| {
            let votes = votes.iter().filter(|&&(_, _, haplotype)| wanted(haplotype));
            Lengths::of(votes.map(|&(_, gained, _)| gained).collect())
        };
        let by_haplotype =
            if phased { [0, 1, 2].map(|one| of(&|haplotype| haplotype == one)) } else { Default::default() };
        Observed { lengths: of(&|_| true), tract, by_haplotype }
    });
    observed.collect()
}

/// For each read the index of the first read of its fragment. Reads without a name are fragments of their own.
fn fragments(reads: &[Read]) -> Vec<u32> {
    let mut first = FxHashMap::default();
    let indexed = (0_u32..).zip(reads);
    indexed
        .map(|(index, read)| {
            let name = (!read.is_nameless()).then_some((read.file, &read.read_group, &read.name));
            name.map_or(index, |name| *first.entry(name).or_insert(index))
        })
        .collect()
}

/// Puts the insertions and deletions of a read's alignment into `found`, by position. False where it skips introns: it may span a tract
/// without having it.
fn indels_of<'a>(read: &'a Read, found: &mut Vec<Indel<'a>>) -> bool {
    found.clear();
    for segment in read.segments() {
        match segment.kind {
            CigarKind::Insertion | CigarKind::Deletion => {
                let inserted = read.bases.get(segment.bases()).unwrap_or_default();
                found.push(Indel { replaced: segment.interval(), inserted });
            }
            CigarKind::Skip => return false,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::{Interval, ReferenceWindow};
    use crate::slippage::tracts::tracts;
    use crate::testing::ReadBuilder;

    /// Seven T at 20..27 and, right behind them, six A; other bases all around.
    const REFERENCE: &str = "GATCCAGTACGGTCATGCAGTTTTTTTAAAAAACGATCCAGTACGGTCATG";

    fn both() -> Vec<Tract> {
        let far = "GATCCAGTACGGTCATGCAC".repeat(16);
        let window = ReferenceWindow::new(680, format!("{far}{REFERENCE}{far}").into_bytes());
        tracts(&window, Interval::new(1000, 1050))
    }

    fn shown(reads: &[Read]) -> Vec<Vec<(i32, u32)>> {
        observe(reads, both()).iter().map(|observed| observed.lengths.iter().collect()).collect()
    }

    fn read(start: u64, end: u64) -> ReadBuilder {
        ReadBuilder::new(1000 + start, &REFERENCE[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()])
    }

    fn changed(bases: &str, cigar: &str) -> Vec<Vec<(i32, u32)>> {
        shown(&[ReadBuilder::new(1010, bases).cigar(cigar).build()])
    }

    #[test]
    fn reads_must_reach_beyond_a_tract() {
        assert_eq!(
            both().iter().map(|t| (t.interval.start(), t.interval.end())).collect::<Vec<_>>(),
            [(1020, 1027), (1027, 1033)]
        );
        assert_eq!(shown(&[read(15, 38).build()]), [vec![(0, 1)], vec![(0, 1)]]);
        assert_eq!(shown(&[read(16, 38).build()]), [vec![], vec![(0, 1)]]);
        assert_eq!(shown(&[read(15, 37).build()]), [vec![(0, 1)], vec![]]);
        assert_eq!(shown(&[read(15, 31).build()]), [vec![], vec![]]);
        // Clipped bases reach nowhere.
        let clipped = ReadBuilder::new(1016, &REFERENCE[10..45]).cigar("6S29M").build();
        assert_eq!(shown(&[clipped]), [vec![], vec![(0, 1)]]);
    }

    #[test]
    fn indels_count_for_the_tract_that_they_change() {
        // Of 10 to 45: ten bases, 7 T, 6 A, 12 bases.
        let (before, behind) = (&REFERENCE[10..20], &REFERENCE[33..45]);
        let of = |t: usize, a: usize| format!("{before}{}{}{behind}", "T".repeat(t), "A".repeat(a));
        assert_eq!(changed(&of(6, 6), "10M1D24M"), [[(-1, 1)], [(0, 1)]]);
        assert_eq!(changed(&of(7, 4), "17M2D16M"), [[(0, 1)], [(-2, 1)]]);
        assert_eq!(changed(&of(9, 6), "10M2I25M"), [[(2, 1)], [(0, 1)]]);
        // Right-aligned, at the border of the two.
        assert_eq!(changed(&of(8, 6), "17M1I18M"), [[(1, 1)], [(0, 1)]]);
        assert_eq!(changed(&of(7, 7), "17M1I18M"), [[(0, 1)], [(1, 1)]]);
        // A deletion over both, and one beside them.
        assert_eq!(changed(&of(6, 5), "16M2D17M"), [[(-2, 1)], [(-2, 1)]]);
        assert_eq!(changed(&of(7, 6), "35M"), [[(0, 1)], [(0, 1)]]);
        assert_eq!(changed(&format!("{}{}", &REFERENCE[10..19], &REFERENCE[20..45]), "9M1D25M"), [[(0, 1)], [(0, 1)]]);
        // An intron over it tells nothing.
        assert_eq!(changed(&of(0, 6), "10M7N18M"), [vec![], vec![]]);
    }

    #[test]
    fn a_fragment_votes_once_by_its_first_read() {
        let shorter =
            ReadBuilder::new(1010, &format!("{}{}", &REFERENCE[10..20], &REFERENCE[21..45])).cigar("10M1D24M");
        let first = |reads: Vec<Read>| shown(&reads)[0].clone();
        assert_eq!(first(vec![shorter.clone().name("a").build(), read(12, 45).name("a").build()]), [(-1, 1)]);
        assert_eq!(first(vec![read(9, 45).name("a").build(), shorter.clone().name("a").build()]), [(0, 1)]);
        assert_eq!(first(vec![shorter.clone().name("a").build(), read(12, 45).name("b").build()]), [(-1, 1), (0, 1)]);
        // A name says nothing beyond its file, and no name nothing at all.
        let elsewhere = Read { file: 1, ..read(12, 45).name("a").build() };
        assert_eq!(first(vec![shorter.clone().name("a").build(), elsewhere]), [(-1, 1), (0, 1)]);
        assert_eq!(first(vec![shorter.name("*").build(), read(12, 45).name("*").build()]), [(-1, 1), (0, 1)]);
    }
}
