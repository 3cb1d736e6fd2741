//! A [`ReferenceWindow`] -> its [`Tract`]s: homopolymers and short tandem repeats, where polymerases slip.

use std::cmp::Reverse;

use crate::genome::reference::to_usize;
use crate::genome::{Interval, ReferenceWindow};

/// Longest unit, in bp. Longer ones slip less and are rare.
pub const LONGEST_UNIT: usize = 4;
/// Fewest bp of a tract, by the length of its unit. Homopolymers show false lengths from 5 bp on in the reads of every library measured
/// (docs/reads.md); of the longer units these are the lengths that do not arise by chance every few kb.
const LEAST_BP: [usize; LONGEST_UNIT] = [5, 8, 9, 12];
/// Most bp that a tract may share with longer ones: the last base of `AAAAACACACAC`'s first tract is the first of its second.
const MOST_SHARED: usize = 2;
/// Bases around an interval in which tracts are looked for, in bp: no short read spans a longer one.
pub const REACH: u64 = 300;

/// A maximal run of a unit that is no repeat itself; its last unit may be cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tract {
    /// Its positions, 0-based, half-open.
    pub interval: Interval,
    /// Length of its unit in bp, 1 to `LONGEST_UNIT`.
    pub unit: usize,
    /// The unit's bases from the tract's start; what lies behind `unit` is 0.
    pub bases: [u8; LONGEST_UNIT],
}

impl Tract {
    /// Whole units in the reference.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.copies_of(0)
    }

    /// Whole units of an allele that is `gained` bp longer than the reference; 1 at least.
    #[must_use]
    pub fn copies_of(&self, gained: i32) -> usize {
        let bp = to_usize(self.interval.len()).saturating_add_signed(gained as isize);
        (bp / self.unit).max(1)
    }

    /// How many units `gained` bp are, where they are whole units.
    #[must_use]
    pub fn units(&self, gained: i32) -> Option<i32> {
        let unit = i32::try_from(self.unit).ok()?;
        (gained % unit == 0).then_some(gained / unit)
    }

    /// Of G or C alone. Such homopolymers slip at other rates than those of A or T (docs/reads.md).
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.unit == 1 && matches!(self.bases[0], b'G' | b'C')
    }

    /// Whether an insertion or deletion makes the tract another length. An insertion beside it does only where it goes on with its units, else
    /// it is of a neighbour.
    pub(super) fn is_changed_by(&self, indel: &Indel) -> bool {
        let (start, end) = (self.interval.start(), self.interval.end());
        match indel.replaced.start() {
            _ if !indel.replaced.is_empty() => indel.replaced.overlaps(self.interval),
            at if at == start => indel.inserted.last() == Some(&self.bases[self.unit - 1]),
            at if at == end => indel.inserted.first() == Some(&self.bases[to_usize(end - start) % self.unit]),
            at => self.interval.contains(at),
        }
    }
}

/// Reference bases that are replaced by others; one of the two is empty, or nearly so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indel<'a> {
    /// The reference bases, 0-based; of an insertion the empty interval before the base that follows it.
    pub(super) replaced: Interval,
    /// The bases there instead.
    pub(super) inserted: &'a [u8],
}

impl Indel<'_> {
    /// By how many bp it makes the sequence longer.
    pub(super) fn gained(&self) -> i32 {
        let bp = |n: u64| i32::try_from(n).unwrap_or(i32::MAX);
        bp(self.inserted.len() as u64) - bp(self.replaced.len())
    }
}

/// The tracts that share a position with `interval` or begin right behind it, by position. `reference` should reach
/// `REACH` bp to both sides; tracts that go on beyond that are left out.
#[must_use]
pub fn tracts(reference: &ReferenceWindow, interval: Interval) -> Vec<Tract> {
    let around = interval.padded(REACH, u64::MAX - REACH);
    let bases = reference.slice(around.start().cast_signed(), around.end().cast_signed()).unwrap_or_default();
    let mut found = find(bases, around.start());
    found.retain(|tract| tract.interval.start() <= interval.end() && interval.start() < tract.interval.end());
    found
}

/// The tracts of `bases`, which begin at `start` (0-based), by position; of those that share more than [`MOST_SHARED`] bp the longer. What
/// touches an end may go on and is left out.
fn find(bases: &[u8], start: u64) -> Vec<Tract> {
    let mut runs: Vec<(usize, usize, usize)> = (1..=LONGEST_UNIT).flat_map(|unit| runs(bases, unit)).collect();
    runs.sort_unstable_by_key(|&(from, to, unit)| (Reverse(to - from), unit, from));
    let mut used = vec![false; bases.len()];
    let mut tracts: Vec<Tract> = Vec::new();
    for (from, to, unit) in runs {
        if used[from..to].iter().filter(|&&used| used).count() <= MOST_SHARED {
            used[from..to].fill(true);
            let mut of_unit = [0; LONGEST_UNIT];
            of_unit[..unit].copy_from_slice(&bases[from..from + unit]);
            let interval = Interval::new(start + from as u64, start + to as u64);
            tracts.push(Tract { interval, unit, bases: of_unit });
        }
    }
    tracts.sort_unstable_by_key(|tract| tract.interval);
    tracts
}

/// Maximal runs of one unit, long enough, as (first, behind the last, length of the unit).
fn runs(bases: &[u8], unit: usize) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    for at in unit..bases.len() {
        if bases[at] != bases[at - unit] {
            if from > 0 && at - from >= LEAST_BP[unit - 1] && is_primitive(&bases[from..from + unit]) {
                found.push((from, at, unit));
            }
            from = at + 1 - unit;
        }
    }
    found
}

/// Whether a unit is of known bases and no repeat of a shorter one.
fn is_primitive(unit: &[u8]) -> bool {
    let repeats =
        |part: usize| unit.len().is_multiple_of(part) && unit.chunks(part).all(|chunk| *chunk == unit[..part]);
    !unit.contains(&b'N') && !(1..unit.len()).any(repeats)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(bases: &str) -> Vec<(u64, u64, String)> {
        let unit = |tract: &Tract| String::from_utf8_lossy(&tract.bases[..tract.unit]).into_owned();
        find(bases.as_bytes(), 0).iter().map(|t| (t.interval.start(), t.interval.end(), unit(t))).collect()
    }

    #[test]
    fn runs_of_one_to_four_bases() {
        assert_eq!(found("GCTTTTTG"), [(2, 7, "T".into())]);
        assert_eq!(found("GCTTTTG"), []);
        assert_eq!(found("GACACACACTG"), [(1, 9, "AC".into())]);
        assert_eq!(found("TACACACACG"), [(1, 9, "AC".into())]);
        assert_eq!(found("TCAGCAGCAGG"), [(1, 10, "CAG".into())]);
        assert_eq!(found("CGATAGATAGATAC"), [(1, 13, "GATA".into())]);
        assert_eq!(found("CGATAGATAGATTC"), [], "11 bp");
        // A unit cut short belongs to it.
        assert_eq!(found("TCACACACACT"), [(1, 10, "CA".into())]);
    }

    #[test]
    fn what_may_go_on_or_is_unknown_is_left_out() {
        assert_eq!(found("TTTTTTG"), []);
        assert_eq!(found("GTTTTTT"), []);
        assert_eq!(found("GNNNNNNNNG"), []);
        assert_eq!(found("GNTNTNTNTNTG"), []);
        assert_eq!(found("NTTTTTTN"), [(1, 7, "T".into())]);
    }

    #[test]
    fn of_two_that_overlap_the_longer_stays() {
        // The T that both have is shared; CACACACA's run within the longer one is none.
        assert_eq!(found("GAAAAAACACACACACG"), [(1, 7, "A".into()), (6, 16, "AC".into())]);
        assert_eq!(found("CGTTTGTTTGTTTTTTTTTTTTC"), [(10, 22, "T".into())], "TTTG at 1..13 shares three");
    }

    #[test]
    fn an_interval_has_the_tracts_that_touch_it() {
        let far = "GATCCAGTACGGTCATGCAG".repeat(20);
        let reference = ReferenceWindow::new(1000, format!("{far}TTTTTTC{far}AAAAAAG{far}").into_bytes());
        let starts = |start, end| -> Vec<u64> {
            tracts(&reference, Interval::new(start, end)).iter().map(|tract| tract.interval.start()).collect()
        };
        assert_eq!(starts(1390, 1810), [1400, 1807]);
        assert_eq!(starts(1405, 1806), [1400]);
        assert_eq!(starts(1406, 1807), [1807]);
        assert!(starts(1406, 1806).is_empty());
        // Where the window ends too near, nothing is known.
        assert!(starts(1000, 1810).is_empty());
    }

    #[test]
    fn copies_of_alleles() {
        let tract = find(b"TCACACACACT", 5)[0];
        assert_eq!((tract.copies(), tract.copies_of(2), tract.copies_of(-1), tract.copies_of(-99)), (4, 5, 4, 1));
        assert_eq!((tract.units(-4), tract.units(3), tract.units(0)), (Some(-2), None, Some(0)));
    }

    proptest! {
        #[test]
        fn tracts_are_maximal_primitive_and_apart(bases in "[AC]{0,9}(A{4,9}|(AC){3,6}|(AAC){3,5}|(ACGT){3,4}|[ACGT]{0,9}){0,12}N?[AC]{0,9}") {
            let bases = bases.as_bytes();
            let tracts = find(bases, 0);
            for (i, tract) in tracts.iter().enumerate() {
                let (from, to) = (to_usize(tract.interval.start()), to_usize(tract.interval.end()));
                prop_assert!(to - from >= LEAST_BP[tract.unit - 1] && is_primitive(&tract.bases[..tract.unit]));
                prop_assert!((from..to).all(|at| bases[at] == tract.bases[(at - from) % tract.unit]));
                prop_assert!(bases[from - 1] != bases[from - 1 + tract.unit] && bases[to] != bases[to - tract.unit]);
                for other in &tracts[i + 1..] {
                    prop_assert!(tract.interval.intersect(other.interval).len() <= MOST_SHARED as u64);
                }
            }
            // No run is lost but to a longer one.
            for unit in 1..=LONGEST_UNIT {
                for (from, to, _) in runs(bases, unit) {
                    let run = Interval::new(from as u64, to as u64);
                    prop_assert!(tracts.iter().any(|t| t.interval == run || (t.interval.len() >= run.len() && t.interval.overlaps(run))));
                }
            }
        }
    }
}
