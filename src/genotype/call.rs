//! A candidate with its images' probabilities -> a [`Call`], trimmed and filtered.

use serde::{Deserialize, Serialize};

use super::likelihoods::GenotypeProbabilities;
use super::merge::{BySet, independent, kept_alts, merged};
use crate::candidates::{Asked, Candidate};
use crate::evidence::FragmentAllele;
use crate::genome::{ContigId, Interval};
use crate::model::MultiAllelic;
use crate::variant::Genotype;
use crate::variant::allele::shared_suffix;

/// Least GQ of a reference call whose genotype is written, Phred.
pub const MIN_REFERENCE_GENOTYPE_QUALITY: i32 = 20;

/// FILTER of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// A variant.
    Pass,
    /// Most probably hom-ref.
    RefCall,
    /// No read counts there.
    NoCall,
}

impl Filter {
    /// Its name in VCF.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::RefCall => "RefCall",
            Self::NoCall => "NoCall",
        }
    }
}

/// The call of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its contig.
    pub contig: ContigId,
    /// Position of the first base of `reference`, 0-based.
    pub position: u64,
    /// Reference allele.
    pub reference: Vec<u8>,
    /// Alternative alleles kept; at least one.
    pub alts: Vec<Vec<u8>>,
    /// GT, diploid, the lower index first unless it is phased; `None` for `./.`.
    pub genotype: Option<Genotype>,
    /// GQ, Phred.
    pub genotype_quality: i32,
    /// QUAL, Phred, to one decimal.
    pub quality: f64,
    /// FILTER.
    pub filter: Filter,
    /// DP: reads that count.
    pub depth: u32,
    /// AD: reads that count for the reference, then for each alternative.
    pub allele_depths: Vec<u32>,
    /// ADR: of those of AD, reads on the reverse strand.
    pub reverse_depths: Vec<u32>,
    /// MQ: root mean square of the mapping qualities of the reads that count, Phred.
    pub mapping_quality: f64,
    /// True where the sample has one copy of the contig: the genotype is homozygous, likelihoods are of one allele.
    pub haploid: bool,
    /// PL in VCF's order, Phred.
    pub phred_likelihoods: Vec<i32>,
    /// What PL is made of.
    pub probabilities: GenotypeProbabilities,
    /// Whether the CNN classified an image of it; else the small model or likelihoods decided alone.
    pub by_images: bool,
    /// The record that asked for it, if any.
    pub asked: Option<Box<Asked>>,
    /// The alleles that fragments show there, numbered as in `genotype`; only of variants that are to be phased.
    pub fragments: Vec<FragmentAllele>,
    /// Where `genotype` is phased, that is, its alleles lie on haplotypes 1 and 2 in their order: position of the first variant of the phase set,
    /// 0-based.
    pub phase_set: Option<u64>,
}

impl Call {
    /// The positions of the reference allele.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::new(self.position, self.position + self.reference.len() as u64)
    }

    /// Where it is written: its position, or that of the record that asked for it. 0-based.
    #[must_use]
    pub fn written_position(&self) -> u64 {
        self.asked.as_ref().map_or(self.position, |asked| asked.position)
    }

    /// The call with its alleles as in the record that asked for it, if any.
    #[must_use]
    pub fn as_asked(self) -> Self {
        match self.asked {
            None => self,
            Some(asked) => {
                let Asked { position, reference, alts, .. } = *asked;
                Self { position, reference, alts, asked: None, ..self }
            }
        }
    }
}

/// How a candidate is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Whether the sample has one copy of the contig there: only homozygous genotypes are considered.
    pub haploid: bool,
    /// How the probabilities of its images are joined.
    pub multi_allelic: MultiAllelic,
}

/// Calls a candidate. `images` holds a result for each of its sets of alleles.
#[must_use]
pub fn call(candidate: &Candidate, images: &BySet, options: CallOptions) -> Call {
    let CallOptions { haploid, multi_allelic } = options;
    let kept = kept(candidate, images);
    let apart = candidate.asked.as_ref().is_some_and(|asked| !asked.apart.is_empty());
    let mut probabilities = if apart { independent(&kept, images) } else { merged(&kept, images, multi_allelic) };
    if haploid {
        probabilities = probabilities.homozygous();
    }
    let allele_depths: Vec<u32> =
        std::iter::once(candidate.reference_count).chain(kept.iter().map(|&alt| candidate.alts[alt].count)).collect();
    let reverse_depths = std::iter::once(candidate.reference_reverse_count)
        .chain(kept.iter().map(|&alt| candidate.alts[alt].reverse_count))
        .collect();
    let (filter, genotype, genotype_quality) = assessed(&probabilities, &allele_depths);
    let mut reference = candidate.reference.clone();
    let mut alts: Vec<Vec<u8>> = kept.iter().map(|&alt| candidate.alts[alt].bases.clone()).collect();
    if candidate.asked.is_none() {
        trim_shared_suffix(&mut reference, &mut alts);
    }
    Call {
        contig: candidate.contig,
        position: candidate.position,
        reference,
        alts,
        genotype,
        genotype_quality,
        quality: probabilities.quality(),
        filter,
        depth: candidate.depth,
        allele_depths,
        reverse_depths,
        mapping_quality: candidate.mapping_quality,
        haploid,
        phred_likelihoods: probabilities.phred_likelihoods(),
        probabilities,
        by_images: true,
        asked: candidate.asked.clone(),
        fragments: Vec::new(),
        phase_set: None,
    }
}

/// Indexes of the alternative alleles that a candidate's call has.
fn kept(candidate: &Candidate, images: &BySet) -> Vec<usize> {
    match candidate.asked {
        Some(_) => (0..candidate.alts.len()).collect(),
        None => kept_alts(candidate.alts.len(), images),
    }
}

/// What fragments show at a candidate, in terms of its call: without what shows an allele that the call does not have.
#[must_use]
pub fn of_call(candidate: &Candidate, images: &BySet, fragments: Vec<FragmentAllele>) -> Vec<FragmentAllele> {
    let kept = kept(candidate, images);
    let number = |allele: u8| match usize::from(allele) {
        0 => Some(0),
        alt => kept.iter().position(|&kept| kept + 1 == alt).and_then(|alt| u8::try_from(alt + 1).ok()),
    };
    fragments.into_iter().filter_map(|shown| Some(FragmentAllele { allele: number(shown.allele)?, ..shown })).collect()
}

fn assessed(probabilities: &GenotypeProbabilities, depths: &[u32]) -> (Filter, Option<Genotype>, i32) {
    let quality = probabilities.genotype_quality();
    let genotype = Genotype::all(depths.len()).nth(probabilities.best());
    if depths.iter().sum::<u32>() == 0 {
        (Filter::NoCall, None, 0)
    } else if probabilities.best() == 0 {
        (Filter::RefCall, genotype.filter(|_| quality >= MIN_REFERENCE_GENOTYPE_QUALITY), quality)
    } else {
        (Filter::Pass, genotype, quality)
    }
}

/// Removes the bases that all alleles end with, but for one base of each.
fn trim_shared_suffix(reference: &mut Vec<u8>, alts: &mut [Vec<u8>]) {
    let shortest = alts.iter().map(Vec::len).min().unwrap_or(0).min(reference.len());
    let shared = shared_suffix(reference, alts.iter()).min(shortest.saturating_sub(1));
    for allele in std::iter::once(reference).chain(alts) {
        allele.truncate(allele.len() - shared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::AltSet;
    use crate::predict::Probabilities;
    use crate::testing::candidate;

    fn site(reference: &str, alts: &[(&str, u32)], reference_count: u32) -> Candidate {
        let alts: Vec<_> = alts.iter().map(|&(bases, count)| (bases, count, [].as_slice())).collect();
        candidate(99, reference, &alts, reference_count)
    }

    fn one(p: [f64; 3]) -> BySet {
        BySet::from([(AltSet::One(0), Probabilities(p))])
    }

    #[test]
    fn a_het_passes() {
        let call = call(&site("A", &[("G", 14)], 16), &one([0.0001, 0.9989, 0.001]), CallOptions::default());
        assert_eq!(
            (call.filter, call.genotype, call.genotype_quality),
            (Filter::Pass, Some(Genotype::Diploid(0, 1)), 30)
        );
        assert_eq!((call.depth, call.allele_depths, call.phred_likelihoods), (30, vec![16, 14], vec![39, 0, 29]));
    }

    #[test]
    fn reference_calls_need_quality_for_a_genotype() {
        let sure = call(&site("A", &[("G", 3)], 27), &one([0.999, 0.001, 0.0]), CallOptions::default());
        assert_eq!((sure.filter, sure.genotype), (Filter::RefCall, Some(Genotype::HOM_REF)));
        let unsure = call(&site("A", &[("G", 3)], 27), &one([0.9, 0.1, 0.0]), CallOptions::default());
        assert_eq!((unsure.filter, unsure.genotype), (Filter::RefCall, None));
    }

    #[test]
    fn no_counting_read_is_no_call() {
        let call = call(&site("A", &[("G", 0)], 0), &one([0.0, 1.0, 0.0]), CallOptions::default());
        assert_eq!((call.filter, call.genotype, call.genotype_quality), (Filter::NoCall, None, 0));
    }

    #[test]
    fn a_dropped_deletion_takes_its_tail_along() {
        // A SNP beside a long deletion to which the network gives a low probability.
        let images = BySet::from([
            (AltSet::One(0), Probabilities([0.999, 0.001, 0.0])),
            (AltSet::One(1), Probabilities([0.001, 0.999, 0.0])),
            (AltSet::Two(0, 1), Probabilities([0.01, 0.98, 0.01])),
        ]);
        let call = call(&site("ACC", &[("A", 2), ("GCC", 15)], 13), &images, CallOptions::default());
        assert_eq!((call.reference.as_slice(), call.alts), (b"A".as_slice(), vec![b"G".to_vec()]));
        assert_eq!(call.allele_depths, [13, 15]);
    }

    #[test]
    fn fragments_show_the_alleles_of_the_call() {
        let images = BySet::from([
            (AltSet::One(0), Probabilities([0.999, 0.001, 0.0])),
            (AltSet::One(1), Probabilities([0.001, 0.999, 0.0])),
        ]);
        let shown = |fragment, allele| FragmentAllele { fragment, ahead: 9, allele, quality: 30 };
        let all = vec![shown(1, 0), shown(2, 1), shown(3, 2)];
        let found = of_call(&site("A", &[("C", 1), ("G", 9)], 9), &images, all);
        assert_eq!(found, [shown(1, 0), shown(3, 1)]);
    }

    #[test]
    fn a_variant_has_a_quality() {
        // Where a variant is the most probable of n genotypes, hom-ref has at most half, however many genotypes there are: no
        // variant's QUAL is under 3.
        for n in [3, 6, 10, 15] {
            let mut weights = vec![0.0; n];
            (weights[0], weights[1]) = (0.5, 0.5 + 1e-9);
            let p = GenotypeProbabilities::normalised(weights);
            assert_eq!(assessed(&p, &vec![1; if n == 3 { 2 } else { 5 }]).0, Filter::Pass);
            assert!(p.quality() >= 3.0, "{}", p.quality());
        }
    }
}
