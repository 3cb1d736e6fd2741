//! A region's candidates and the truth -> a label for each image: how many of the sample's alleles are in its set.
//!
//! Alleles are compared in normal form. Where the truth has an allele that no candidate equals, another spelling of it
//! may be among the candidates close by; those are left out rather than taught as errors.

use std::collections::HashMap;

use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::pileup::AltSet;
use crate::regions::{Region, Targets};
use crate::truth::{NormalAllele, Truth};

/// Candidates this close to a truth allele that no candidate equals are left out, in bp.
const DOUBT: u64 = 25;

/// For each candidate: copies of each of its alleles, or `None` where it is not to be learned from.
#[must_use]
pub fn label(region: Region, evidence: &Evidence, truth: &Truth, confident: &Targets) -> Vec<Option<Vec<u8>>> {
    let near_start = region.interval.start().saturating_sub(2 * DOUBT);
    let near_end = region.interval.end() + 2 * DOUBT;
    let known: HashMap<&NormalAllele, u8> = truth.within(region.contig, near_start, near_end).collect();
    let spelled: Vec<Vec<NormalAllele>> = evidence.candidates.iter().map(|c| normal_alleles(c, evidence)).collect();
    let unmatched: Vec<&&NormalAllele> =
        known.keys().filter(|allele| !spelled.iter().flatten().any(|s| s == **allele)).collect();
    let doubtful = |candidate: &Candidate| {
        unmatched.iter().any(|allele| {
            candidate.position < allele.end() + DOUBT && allele.position < candidate.interval().end() + DOUBT
        })
    };
    evidence
        .candidates
        .iter()
        .zip(&spelled)
        .map(|(candidate, alleles)| {
            let copies: Vec<u8> = alleles.iter().map(|allele| known.get(allele).copied().unwrap_or(0)).collect();
            let inside = confident.contains(candidate.contig, candidate.position);
            (inside && !doubtful(candidate)).then_some(copies)
        })
        .collect()
}

fn normal_alleles(candidate: &Candidate, evidence: &Evidence) -> Vec<NormalAllele> {
    let normal = |bases: &[u8]| NormalAllele::new(candidate.position, &candidate.reference, bases, &evidence.reference);
    candidate.alts.iter().map(|alt| normal(&alt.bases)).collect()
}

/// The class of an image: how many copies, at most two, its set has.
#[must_use]
pub fn class(copies: &[u8], set: AltSet) -> u8 {
    let sum: u8 = copies.iter().enumerate().filter(|(i, _)| set.contains(*i)).map(|(_, n)| *n).sum();
    sum.min(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_count_copies() {
        assert_eq!(class(&[1, 1], AltSet::One(0)), 1);
        assert_eq!(class(&[1, 1], AltSet::Two(0, 1)), 2);
        assert_eq!(class(&[2, 0], AltSet::One(1)), 0);
        assert_eq!(class(&[2], AltSet::One(0)), 2);
    }
}
