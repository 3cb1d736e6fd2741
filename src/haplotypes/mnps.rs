//! Phased calls in genome order -> the same calls, neighbouring SNPs of one haplotype joined into one record ([`Mnps`]).

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::genome::{ContigId, Interval, Reference};
use crate::genotype::{Call, Filter};
use crate::variant::Genotype;

/// Fewest fragments that show both SNPs.
const MIN_FRAGMENTS: usize = 2;
/// Least share of the fragments over both SNPs that show both or neither.
const MIN_AGREEMENT: f64 = 0.9;

/// Holds a SNP back until the next call is too far from it to be joined.
pub struct Mnps {
    reference: Reference,
    within: u64,
    /// The SNP, or those joined so far; then calls between it and the next, which are no SNPs.
    waiting: Vec<Call>,
    /// Position of the last SNP that was joined.
    last: u64,
}

impl Mnps {
    /// Joins SNPs at most `within` bp from each other.
    #[must_use]
    pub fn new(reference: Reference, within: u64) -> Self {
        Self { reference, within, waiting: Vec::new(), last: 0 }
    }

    /// Takes the next call; gives those that are final. One that is not to be joined passes through in its place.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn push(&mut self, call: Call, join: bool) -> Result<Vec<Call>> {
        let mut done = self.advance((call.contig, call.position));
        if !join || !is_snp(&call) {
            if self.waiting.is_empty() {
                done.push(call);
            } else {
                self.waiting.push(call);
            }
            return Ok(done);
        }
        if let Some(first) = self.waiting.first_mut()
            && lie_together(first, &call)
        {
            let between = Interval::new(self.last + 1, call.position);
            let between = self.reference.bases(call.contig, between)?;
            self.last = call.position;
            join_to(first, call, &between);
            return Ok(done);
        }
        done.append(&mut self.waiting);
        self.last = call.position;
        self.waiting.push(call);
        Ok(done)
    }

    /// Gives the calls that are final if all that follow begin at `next` or later.
    pub fn advance(&mut self, next: (ContigId, u64)) -> Vec<Call> {
        let is_near =
            self.waiting.first().is_some_and(|call| call.contig == next.0 && next.1 <= self.last + self.within);
        if is_near { Vec::new() } else { self.finish() }
    }

    /// The first call that waits.
    #[must_use]
    pub fn first_waiting(&self) -> Option<&Call> {
        self.waiting.first()
    }

    /// Gives the calls that still wait.
    pub fn finish(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.waiting)
    }
}

fn is_snp(call: &Call) -> bool {
    let is_variant = call.genotype.is_some_and(|genotype| genotype.alternative_copies() > 0);
    let one_base = call.reference.len() == 1 && call.alts.len() == 1 && call.alts[0].len() == 1;
    call.filter == Filter::Pass && is_variant && one_base && call.asked.is_none()
}

/// Whether the alternative alleles of two SNPs, the first of which may be joined already, lie on the same haplotypes, and fragments show them so.
fn lie_together(first: &Call, second: &Call) -> bool {
    let same_haplotypes = match (first.genotype, second.genotype) {
        (Some(Genotype::Diploid(1, 1)), Some(Genotype::Diploid(1, 1))) => true,
        (a, b) => a == b && first.phase_set.is_some() && first.phase_set == second.phase_set,
    };
    let at_first: FxHashMap<u64, u8> = first.fragments.iter().map(|shown| (shown.fragment, shown.allele)).collect();
    let of_both = second.fragments.iter().filter_map(|shown| Some((*at_first.get(&shown.fragment)?, shown.allele)));
    let (mut both, mut agree, mut all) = (0, 0, 0);
    for (a, b) in of_both {
        all += 1;
        agree += usize::from(a == b);
        both += usize::from(a == b && a == 1);
    }
    #[allow(clippy::cast_precision_loss, reason = "fragments of a site")]
    let agreement = agree as f64 / f64::from(all.max(1));
    same_haplotypes && first.haploid == second.haploid && both >= MIN_FRAGMENTS && agreement >= MIN_AGREEMENT
}

/// Joins a SNP to the one before. What is written of the two is that of the less certain; of counts the lowest.
fn join_to(first: &mut Call, second: Call, between: &[u8]) {
    let mut joined = first.clone();
    joined.reference.extend(between.iter().chain(&second.reference));
    joined.alts[0].extend(between.iter().chain(&second.alts[0]));
    let least = |a: &[u32], b: &[u32]| a.iter().zip(b).map(|(a, b)| *a.min(b)).collect();
    joined.allele_depths = least(&first.allele_depths, &second.allele_depths);
    joined.reverse_depths = least(&first.reverse_depths, &second.reverse_depths);
    joined.depth = first.depth.min(second.depth);
    joined.mapping_quality = first.mapping_quality.min(second.mapping_quality);
    joined.quality = first.quality.min(second.quality);
    if second.genotype_quality < first.genotype_quality {
        joined.genotype_quality = second.genotype_quality;
        joined.phred_likelihoods = second.phred_likelihoods;
        joined.probabilities = second.probabilities;
    }
    // The next SNP is compared with what shows all of this one.
    let at_second: FxHashMap<u64, u8> = second.fragments.iter().map(|shown| (shown.fragment, shown.allele)).collect();
    joined.fragments.retain(|shown| at_second.get(&shown.fragment) == Some(&shown.allele));
    *first = joined;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haplotypes::tests::call;
    use crate::testing::ReferenceBuilder;

    //                        0123456789
    const REFERENCE: &str = "ACGTACGTACGTACGTACGT";

    /// A SNP: position, genotype, phase set, alleles that fragments show.
    type Snp<'a> = (u64, Genotype, Option<u64>, &'a [(u64, u8)]);

    /// Joins SNPs at these positions, all to T, and gives positions, REF, ALT and GT.
    fn joined(within: u64, snps: &[Snp]) -> Vec<(u64, String, String, String)> {
        let reference = ReferenceBuilder::new().contig("1", REFERENCE).build();
        let mut mnps = Mnps::new(reference.open(), within);
        let mut out = Vec::new();
        for &(position, genotype, phase_set, shown) in snps {
            let reference = REFERENCE[usize::try_from(position).unwrap()..][..1].into();
            let call = Call { phase_set, reference, alts: vec![b"T".to_vec()], ..call(position, genotype, shown) };
            out.extend(mnps.push(call, true).unwrap());
        }
        out.extend(mnps.finish());
        let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).unwrap();
        let row = |call: &Call| {
            let genotype = call.genotype.unwrap().to_string();
            (call.position, text(&call.reference), text(&call.alts[0]), genotype)
        };
        out.iter().map(row).collect()
    }

    const BOTH: &[(u64, u8)] = &[(1, 0), (2, 0), (3, 1), (4, 1)];
    const HET: Genotype = Genotype::Diploid(0, 1);
    const TEH: Genotype = Genotype::Diploid(1, 0);
    const HOM: Genotype = Genotype::Diploid(1, 1);

    fn row(position: u64, reference: &str, alt: &str, genotype: &str) -> (u64, String, String, String) {
        (position, reference.into(), alt.into(), genotype.into())
    }

    #[test]
    fn neighbours_of_one_haplotype_are_joined() {
        let two = joined(1, &[(4, HET, Some(4), BOTH), (5, HET, Some(4), BOTH)]);
        assert_eq!(two, [row(4, "AC", "TT", "0/1")]);
        let homs = joined(1, &[(4, HOM, None, &[(1, 1), (2, 1)]), (5, HOM, None, &[(1, 1), (2, 1)])]);
        assert_eq!(homs, [row(4, "AC", "TT", "1/1")]);
        let three = joined(2, &[(4, TEH, Some(4), BOTH), (6, TEH, Some(4), BOTH), (8, TEH, Some(4), BOTH)]);
        assert_eq!(three, [row(4, "ACGTA", "TCTTT", "1/0")]);
    }

    #[test]
    fn others_are_not() {
        let apart = |within, snps: &[Snp]| joined(within, snps).len();
        assert_eq!(apart(1, &[(4, HET, Some(4), BOTH), (6, HET, Some(4), BOTH)]), 2, "too far");
        assert_eq!(apart(1, &[(4, HET, Some(4), BOTH), (5, TEH, Some(4), BOTH)]), 2, "on two haplotypes");
        assert_eq!(apart(1, &[(4, HET, None, BOTH), (5, HET, None, BOTH)]), 2, "not phased");
        assert_eq!(apart(1, &[(4, HET, Some(1), BOTH), (5, HET, Some(4), BOTH)]), 2, "of two phase sets");
        assert_eq!(apart(1, &[(4, HET, Some(4), BOTH), (5, HOM, None, BOTH)]), 2, "het and hom");
        let other: &[(u64, u8)] = &[(1, 0), (2, 1), (3, 1), (4, 1)];
        assert_eq!(apart(1, &[(4, HET, Some(4), BOTH), (5, HET, Some(4), other)]), 2, "fragments disagree");
        assert_eq!(apart(1, &[(4, HOM, None, &[(1, 1)]), (5, HOM, None, &[(1, 1)])]), 2, "one fragment");
    }

    #[test]
    fn what_is_less_certain_is_written() {
        let reference = ReferenceBuilder::new().contig("1", REFERENCE).build();
        let mut mnps = Mnps::new(reference.open(), 1);
        let first =
            Call { phase_set: Some(4), quality: 40.0, depth: 9, allele_depths: vec![5, 4], ..call(4, HET, BOTH) };
        let second = Call { phase_set: Some(4), genotype_quality: 7, allele_depths: vec![3, 6], ..call(5, HET, BOTH) };
        assert!(mnps.push(first, true).unwrap().is_empty());
        assert!(mnps.push(second, true).unwrap().is_empty() && mnps.first_waiting().is_some());
        assert!(mnps.advance((ContigId(0), 6)).is_empty());
        let done = mnps.advance((ContigId(0), 7));
        assert_eq!((done[0].genotype_quality, &done[0].allele_depths), (7, &vec![3, 4]));
        assert!(done[0].quality < 40.0 && done[0].interval() == Interval::new(4, 6));
    }
}
