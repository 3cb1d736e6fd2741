//! Two sequences -> the diagonals on which they share long runs.

use std::ops::Range;

use super::code;

/// Lengths of k-mers: two bits a base in 32; shorter ones are shared by chance.
const LONGEST: usize = 15;
const SHORTEST: usize = 6;
/// Shortest runs that are told from chance.
const SHORTEST_RUN: usize = 9;
/// An empty place of the table; no k-mer of at most [`LONGEST`] bases.
const EMPTY: u32 = u32::MAX;

/// K-mers of a query with their offsets, by hash; kept for use again.
#[derive(Debug, Default)]
pub(super) struct SharedKmers {
    /// As many places as a power of two; a k-mer lies at its hash or in the next free one.
    table: Vec<(u32, u32)>,
}

impl SharedKmers {
    /// A range that holds the diagonal (offset in the target less that in the query) of each run of `run` or more equal bases of A, C, G, T; empty
    /// where there is none. `None` where runs are too short to be told from chance.
    pub(super) fn diagonals(&mut self, query: &[u8], target: &[u8], run: usize) -> Option<Range<isize>> {
        if run < SHORTEST_RUN {
            return None;
        }
        // A run holds a k-mer that begins at a multiple of the step.
        let length = (2 * (run + 1) / 3).clamp(SHORTEST, LONGEST);
        let step = run + 1 - length;
        let places = (4 * query.len().div_ceil(step)).next_power_of_two();
        let (shift, mask) = (u32::BITS - places.trailing_zeros(), places - 1);
        let place = |kmer: u32| (kmer.wrapping_mul(0x9E37_79B1) >> shift) as usize;
        self.table.clear();
        self.table.resize(places, (EMPTY, 0));
        for offset in (0..query.len().saturating_sub(length - 1)).step_by(step) {
            let Some((_, kmer)) = kmers(&query[offset..][..length], length).next() else { continue };
            let mut at = place(kmer);
            while self.table[at].0 != EMPTY {
                at = (at + 1) & mask;
            }
            self.table[at] = (kmer, u32::try_from(offset).ok()?);
        }
        let (mut lowest, mut highest) = (isize::MAX, isize::MIN);
        for (offset, kmer) in kmers(target, length) {
            let mut at = place(kmer);
            while self.table[at].0 != EMPTY {
                let (other, from) = self.table[at];
                if other == kmer {
                    let from = from as usize;
                    let diagonal = offset.cast_signed() - from.cast_signed();
                    if !(lowest..=highest).contains(&diagonal) && shared_run(query, target, (from, offset)) >= run {
                        (lowest, highest) = (lowest.min(diagonal), highest.max(diagonal));
                    }
                }
                at = (at + 1) & mask;
            }
        }
        Some(if lowest <= highest { lowest..highest + 1 } else { 0..0 })
    }
}

/// Length of the run of equal bases around a place.
fn shared_run(query: &[u8], target: &[u8], (from, to): (usize, usize)) -> usize {
    let equal = |(a, b): &(&u8, &u8)| a == b && code(**a).is_some();
    let before = query[..from].iter().rev().zip(target[..to].iter().rev()).take_while(equal).count();
    before + query[from..].iter().zip(&target[to..]).take_while(equal).count()
}

/// The k-mers of A, C, G, T of that length, at most [`LONGEST`], with their offsets.
fn kmers(bases: &[u8], length: usize) -> impl Iterator<Item = (usize, u32)> {
    let mask = (1_u32 << (2 * length)) - 1;
    let (mut kmer, mut known) = (0_u32, 0_usize);
    bases.iter().enumerate().filter_map(move |(i, base)| {
        let Some(code) = code(*base) else {
            known = 0;
            return None;
        };
        kmer = ((kmer << 2) | u32::from(code)) & mask;
        known += 1;
        (known >= length).then(|| (i + 1 - length, kmer))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_found_wherever_they_begin() {
        let run = "ACGGTCATTGCAGGCTAAC";
        for before in 0..20 {
            let query = ["T".repeat(before), run.to_owned()].concat();
            let target = ["G".repeat(30), run.to_owned(), "C".repeat(9)].concat();
            let diagonal = 30 - before.cast_signed();
            let found = SharedKmers::default().diagonals(query.as_bytes(), target.as_bytes(), run.len());
            assert_eq!(found, Some(diagonal..diagonal + 1));
        }
        assert_eq!(SharedKmers::default().diagonals(b"ACGGTCATTG", b"TTTTTTTTTTTTT", 9), Some(0..0));
        assert_eq!(SharedKmers::default().diagonals(b"ACGGTCATTG", b"ACGGTCATTG", 8), None);
    }

    proptest! {
        #[test]
        fn no_run_is_missed(query in "[ACGTN]{1,80}", target in "[ACT]{1,80}", (from, length) in (0_usize..60, 9_usize..40), run in 9_usize..30) {
            let from = from.min(query.len());
            let target = [&target, &query[from..query.len().min(from + length)]].concat();
            let found = SharedKmers::default().diagonals(query.as_bytes(), target.as_bytes(), run).unwrap();
            for (i, a) in query.as_bytes().windows(run).enumerate() {
                for (j, b) in target.as_bytes().windows(run).enumerate() {
                    prop_assert!(a != b || a.contains(&b'N') || found.contains(&(j.cast_signed() - i.cast_signed())));
                }
            }
        }
    }
}
