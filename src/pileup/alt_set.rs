//! The sets of alternative alleles of which a candidate has images: [`AltSet`].

use crate::candidates::{AltAllele, Candidate};

/// The alternative alleles whose support an image marks: indexes into [`Candidate::alts`](crate::candidates::Candidate::alts), ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AltSet {
    /// One allele.
    One(usize),
    /// Two, the first index being smaller.
    Two(usize, usize),
}

impl AltSet {
    /// Index of its first allele.
    #[must_use]
    pub fn first(self) -> usize {
        let (Self::One(first) | Self::Two(first, _)) = self;
        first
    }

    /// The indexes of its alleles.
    pub fn alleles(self) -> impl Iterator<Item = usize> {
        let (first, second) = match self {
            Self::One(first) => (first, None),
            Self::Two(first, second) => (first, Some(second)),
        };
        std::iter::once(first).chain(second)
    }

    /// A candidate's alleles that are in the set.
    pub fn of(self, candidate: &Candidate) -> impl Iterator<Item = &AltAllele> {
        self.alleles().filter_map(|alt| candidate.alts.get(alt))
    }

    /// True where the allele of that index is in the set.
    #[must_use]
    pub fn contains(self, alt: usize) -> bool {
        match self {
            Self::One(a) => a == alt,
            Self::Two(a, b) => a == alt || b == alt,
        }
    }
}

/// The images of a candidate of `n` alternative alleles: one for each allele, then one for each pair.
pub fn alt_sets(n: usize) -> impl Iterator<Item = AltSet> {
    let pairs = (0..n).flat_map(move |a| (a + 1..n).map(move |b| AltSet::Two(a, b)));
    (0..n).map(AltSet::One).chain(pairs)
}
