//! A region's candidates, allele counts and reads -> the [`Site`]s that phasing takes.

use crate::alleles::{AlleleCounts, ReferenceRead};
use crate::candidates::Candidate;
use crate::phase::REFERENCE;
use crate::phase::reads::ReadNumbers;

/// A read that supports an allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportingRead {
    /// Its number.
    pub read: u32,
    /// False where its base qualities are under the limit.
    pub is_good: bool,
}

/// An allele of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAllele {
    /// Its bases; `REF` of the reference allele.
    pub name: Vec<u8>,
    /// The reads that support it, of low quality too, each once.
    pub reads: Vec<SupportingRead>,
}

impl SiteAllele {
    /// The reads that support it with good quality.
    pub(super) fn good(&self) -> impl Iterator<Item = u32> {
        self.reads.iter().filter(|read| read.is_good).map(|read| read.read)
    }
}

/// A candidate as phasing sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Position of the first base of its reference allele, 0-based.
    pub position: u64,
    /// Position after the last.
    pub end: u64,
    /// The reference allele, then the alternative alleles in lexicographic order; each of these has a read.
    pub alleles: Vec<SiteAllele>,
    /// Whether a read has an allele there that is not one of these.
    pub has_others: bool,
}

/// The sites of a region's candidates, and the number of each read. Records of one read (equal name and number) share a number, those without
/// a name have one each.
#[must_use]
pub fn sites(
    candidates: &[Candidate],
    counts: &AlleleCounts,
    reference: &[Vec<ReferenceRead>],
    numbers: &ReadNumbers,
) -> Vec<Site> {
    let start = counts.interval.start();
    let site = |(candidate, reference): (&Candidate, &Vec<ReferenceRead>)| {
        let mut alleles = vec![SiteAllele { name: REFERENCE.to_vec(), reads: Vec::new() }];
        alleles.extend(candidate.alts.iter().map(|alt| SiteAllele { name: alt.bases.clone(), reads: Vec::new() }));
        let slot = usize::try_from(candidate.position - start).unwrap_or(usize::MAX);
        let observations = counts.counts.get(slot).map_or(&[][..], |count| &count.observations);
        // Of each read: its allele (0 is the reference, none another one) and whether that is of good quality. Both lists are in the order of
        // reads; of several records of a read the last decides.
        let of_reference = reference.iter().map(|read| (read.read, Some(0), read.is_good));
        let others = observations.iter().filter(|seen| !numbers.is_repeated(seen.read)).map(|seen| {
            let alt = candidate.alts.iter().position(|alt| alt.support.binary_search(&seen.read).is_ok());
            (seen.read, alt.map(|alt| alt + 1), seen.counts)
        });
        let mut all: Vec<_> = of_reference.chain(others).collect();
        all.sort_unstable_by_key(|&(read, ..)| (numbers.of(read), read));
        let mut has_others = false;
        for same in all.chunk_by(|a, b| numbers.of(a.0) == numbers.of(b.0)) {
            let Some(&(read, allele, is_good)) = same.last() else { continue };
            match allele.and_then(|allele| alleles.get_mut(allele)) {
                Some(allele) => allele.reads.push(SupportingRead { read: numbers.of(read), is_good }),
                None => has_others = true,
            }
        }
        Site { position: candidate.position, end: candidate.interval().end(), alleles, has_others }
    };
    candidates.iter().zip(reference).map(site).collect()
}
