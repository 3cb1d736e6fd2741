//! Calls in genome order -> [`CallStats`]: variants by type, genotypes, substitutions, lengths of indels, and histograms.

use std::collections::BTreeMap;

use super::counted::CountedCall;
use super::histogram::{Histogram, count};
use super::least_certain::LeastCertain;
use crate::genotype::Filter;
use crate::variant::Genotype;

/// Width of the bins of QUAL and GQ, Phred.
pub const QUALITY_BIN: f64 = 5.0;
/// Width of the bins of VAF.
pub const ALLELE_FRACTION_BIN: f64 = 0.05;
/// Last bins of QUAL and GQ, which end at 99, and of VAF, which ends at 1.
const LAST_QUALITY_BIN: usize = 19;
const LAST_FRACTION_BIN: usize = 19;

/// The type of a variant, by the alternative alleles that its genotype has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariantType {
    /// One base for another.
    Snp,
    /// More bases than the reference.
    Insertion,
    /// Less bases than the reference.
    Deletion,
    /// Several bases for as many.
    Mnp,
    /// Two alleles of different types.
    Mixed,
}

impl VariantType {
    /// All types.
    pub const ALL: [Self; 5] = [Self::Snp, Self::Insertion, Self::Deletion, Self::Mnp, Self::Mixed];

    /// Its name in a summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snp => "snp",
            Self::Insertion => "insertion",
            Self::Deletion => "deletion",
            Self::Mnp => "mnp",
            Self::Mixed => "mixed",
        }
    }

    fn of_allele(reference: &[u8], alt: &[u8]) -> Self {
        match alt.len().cmp(&reference.len()) {
            std::cmp::Ordering::Greater => Self::Insertion,
            std::cmp::Ordering::Less => Self::Deletion,
            std::cmp::Ordering::Equal if substitution(reference, alt).is_some() => Self::Snp,
            std::cmp::Ordering::Equal => Self::Mnp,
        }
    }
}

/// The genotype of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zygosity {
    /// One copy of the reference.
    Het,
    /// Two different alternative alleles.
    HetAlt,
    /// Two copies of an alternative allele.
    HomAlt,
    /// One copy where the sample has one.
    Hemizygous,
}

impl Zygosity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Het, Self::HetAlt, Self::HomAlt, Self::Hemizygous];

    /// Its name in a summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Het => "het",
            Self::HetAlt => "het_alt",
            Self::HomAlt => "hom_alt",
            Self::Hemizygous => "hemizygous",
        }
    }

    fn of(genotype: Genotype, haploid: bool) -> Self {
        if haploid {
            Self::Hemizygous
        } else if genotype.is_homozygous() {
            Self::HomAlt
        } else if genotype.copies(0) > 0 {
            Self::Het
        } else {
            Self::HetAlt
        }
    }
}

/// What histograms of QUAL, GQ and DP tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallClass {
    /// SNPs and MNPs that pass.
    Snp,
    /// All other variants that pass.
    Indel,
    /// Candidates called hom-ref, whether or not they are written.
    RefCall,
}

impl CallClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Snp, Self::Indel, Self::RefCall];

    /// Its name in a summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snp => "snp",
            Self::Indel => "indel",
            Self::RefCall => "ref_call",
        }
    }
}

/// What the histogram of VAF tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FractionClass {
    /// Alternative alleles with one copy of two.
    Het,
    /// With all copies.
    HomAlt,
    /// With none: those of candidates called hom-ref.
    RefCall,
}

impl FractionClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Het, Self::HomAlt, Self::RefCall];

    /// Its name in a summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Het => "het",
            Self::HomAlt => "hom_alt",
            Self::RefCall => "ref_call",
        }
    }
}

/// What is counted of calls. Figures other than `filters` are of calls with FILTER PASS that are written, and where it is said of candidates
/// called hom-ref.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallStats {
    /// Calls by filter: PASS, `RefCall`, `NoCall`; all that were made, also those that are not written.
    pub filters: [u64; 3],
    /// Calls that are written.
    pub written: u64,
    /// Variants by [`VariantType`].
    pub types: [u64; VariantType::ALL.len()],
    /// Variants with several alternative alleles.
    pub multiallelic: u64,
    /// Variants by class (`Snp`, `Indel`) and [`Zygosity`].
    pub genotypes: [[u64; Zygosity::ALL.len()]; 2],
    /// Alleles that exchange one base for another, by the indexes of both in `ACGT`.
    pub substitutions: [[u64; 4]; 4],
    /// Alleles by bp inserted, or deleted (negative).
    pub indel_lengths: BTreeMap<i64, u64>,
    /// QUAL in bins of [`QUALITY_BIN`], by [`CallClass`].
    pub quality: [Vec<u64>; CallClass::ALL.len()],
    /// GQ in bins of [`QUALITY_BIN`], by [`CallClass`].
    pub genotype_quality: [Vec<u64>; CallClass::ALL.len()],
    /// Calls by DP, by [`CallClass`].
    pub depth: [BTreeMap<u32, u64>; CallClass::ALL.len()],
    /// Alternative alleles by VAF in bins of [`ALLELE_FRACTION_BIN`], by [`FractionClass`].
    pub allele_fraction: [Vec<u64>; FractionClass::ALL.len()],
    /// Variants by contig.
    pub contigs: BTreeMap<usize, u64>,
    /// The least certain variants.
    pub variants: LeastCertain,
    /// The least certain of the candidates called hom-ref.
    pub reference_calls: LeastCertain,
}

impl CallStats {
    /// Counts a call.
    pub fn add(&mut self, call: &CountedCall, is_written: bool) {
        self.filters[call.filter as usize] += 1;
        self.written += u64::from(is_written);
        match (call.filter, call.genotype) {
            (Filter::Pass, Some(genotype)) if is_written => self.add_variant(call, genotype),
            (Filter::RefCall, _) => {
                self.reference_calls.offer(call);
                self.add_qualities(call, CallClass::RefCall);
                for &depth in call.allele_depths.iter().skip(1) {
                    self.add_fraction(depth, call.depth, FractionClass::RefCall);
                }
            }
            _ => {}
        }
    }

    fn add_variant(&mut self, call: &CountedCall, genotype: Genotype) {
        self.variants.offer(call);
        *self.contigs.entry(call.contig).or_default() += 1;
        self.multiallelic += u64::from(call.alts.len() > 1);
        let (mut of_record, mut last) = (None, 0);
        for allele in genotype.alleles().filter(|&allele| allele > 0) {
            if std::mem::replace(&mut last, allele) == allele {
                continue;
            }
            let Some(alt) = call.alts.get(allele - 1) else { continue };
            let kind = VariantType::of_allele(call.reference, alt);
            of_record = Some(of_record.map_or(kind, |other| if other == kind { kind } else { VariantType::Mixed }));
            self.add_allele(call.reference, alt);
            if let Some(&depth) = call.allele_depths.get(allele) {
                let is_alone = call.haploid || genotype.is_homozygous();
                let class = if is_alone { FractionClass::HomAlt } else { FractionClass::Het };
                self.add_fraction(depth, call.depth, class);
            }
        }
        let Some(kind) = of_record else { return };
        self.types[kind as usize] += 1;
        let class = match kind {
            VariantType::Snp | VariantType::Mnp => CallClass::Snp,
            _ => CallClass::Indel,
        };
        self.genotypes[class as usize][Zygosity::of(genotype, call.haploid) as usize] += 1;
        self.add_qualities(call, class);
    }

    fn add_allele(&mut self, reference: &[u8], alt: &[u8]) {
        if let Some((from, to)) = substitution(reference, alt) {
            if let (Some(from), Some(to)) = (base(from), base(to)) {
                self.substitutions[from][to] += 1;
            }
        } else if alt.len() != reference.len() {
            let length = |bases: &[u8]| i64::try_from(bases.len()).unwrap_or(i64::MAX);
            *self.indel_lengths.entry(length(alt) - length(reference)).or_default() += 1;
        }
    }

    fn add_qualities(&mut self, call: &CountedCall, class: CallClass) {
        let class = class as usize;
        count(&mut self.quality[class], bin(call.quality, QUALITY_BIN, LAST_QUALITY_BIN));
        let of_genotype = f64::from(call.genotype_quality);
        count(&mut self.genotype_quality[class], bin(of_genotype, QUALITY_BIN, LAST_QUALITY_BIN));
        *self.depth[class].entry(call.depth).or_default() += 1;
    }

    fn add_fraction(&mut self, reads: u32, depth: u32, class: FractionClass) {
        let fraction = f64::from(reads) / f64::from(depth.max(1));
        count(&mut self.allele_fraction[class as usize], bin(fraction, ALLELE_FRACTION_BIN, LAST_FRACTION_BIN));
    }

    /// Transitions and transversions.
    #[must_use]
    pub fn transitions(&self) -> (u64, u64) {
        let (mut transitions, mut transversions) = (0, 0);
        for (from, row) in self.substitutions.iter().enumerate() {
            for (to, n) in row.iter().enumerate() {
                // A and G are 0 and 2, C and T 1 and 3.
                *(if from.abs_diff(to) == 2 { &mut transitions } else { &mut transversions }) += n;
            }
        }
        (transitions, transversions)
    }

    /// Calls of a class by DP.
    #[must_use]
    pub fn depths(&self, class: CallClass) -> Histogram {
        Histogram::of_counts(self.depth[class as usize].iter().map(|(&depth, &n)| (u64::from(depth), n)))
    }
}

/// The base that an allele of equal length exchanges, and that in its place, if it is one.
fn substitution(reference: &[u8], alt: &[u8]) -> Option<(u8, u8)> {
    let mut differing = reference.iter().zip(alt).filter(|(from, to)| from != to);
    let (&from, &to) = differing.next().filter(|_| reference.len() == alt.len())?;
    differing.next().is_none().then_some((from, to))
}

fn base(letter: u8) -> Option<usize> {
    b"ACGT".iter().position(|&base| base == letter)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of bins")]
fn bin(value: f64, width: f64, last: usize) -> usize {
    // 0.15 / 0.05 is a little less than 3.
    ((value / width + 1e-9).max(0.0) as usize).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(reference: &'a str, alts: &'a [Vec<u8>], genotype: Genotype, depths: &'a [u32]) -> CountedCall<'a> {
        CountedCall {
            contig: 0,
            position: 9,
            reference: reference.as_bytes(),
            alts,
            genotype: Some(genotype),
            phased: false,
            haploid: false,
            genotype_quality: 33,
            quality: 41.5,
            filter: if genotype == Genotype::HOM_REF { Filter::RefCall } else { Filter::Pass },
            depth: depths.iter().sum(),
            allele_depths: depths,
        }
    }

    fn alts(alts: &[&str]) -> Vec<Vec<u8>> {
        alts.iter().map(|alt| alt.as_bytes().to_vec()).collect()
    }

    #[test]
    fn variants_are_counted_by_what_their_genotype_has() {
        let mut stats = CallStats::default();
        let het = Genotype::Diploid(0, 1);
        for (reference, of, genotype) in [
            ("A", alts(&["G"]), het),
            ("A", alts(&["C"]), Genotype::Diploid(1, 1)),
            ("A", alts(&["ATT"]), het),
            ("ATT", alts(&["A"]), het),
            ("AC", alts(&["GT"]), het),
            // The genotype has the deletion only.
            ("CAA", alts(&["C", "TAA"]), het),
            ("CAA", alts(&["C", "TAA"]), Genotype::Diploid(1, 2)),
        ] {
            let depths = vec![10; of.len() + 1];
            stats.add(&call(reference, &of, genotype, &depths), true);
        }
        assert_eq!((stats.types, stats.multiallelic, stats.written), ([2, 1, 2, 1, 1], 2, 7));
        assert_eq!(stats.genotypes, [[2, 0, 1, 0], [3, 1, 0, 0]]);
        assert_eq!((stats.transitions(), stats.substitutions[1][3]), ((2, 1), 1), "C to T of the last, too");
        assert_eq!(stats.indel_lengths, BTreeMap::from([(-2, 3), (2, 1)]));
        assert_eq!(stats.quality[CallClass::Snp as usize][8], 3);
        assert_eq!(stats.genotype_quality[CallClass::Indel as usize][6], 4);
        assert_eq!(stats.allele_fraction[FractionClass::HomAlt as usize][10], 1);
    }

    #[test]
    fn calls_that_are_not_written_count_by_filter() {
        let mut stats = CallStats::default();
        let of = alts(&["G"]);
        stats.add(&call("A", &of, Genotype::HOM_REF, &[27, 3]), false);
        stats.add(&call("A", &of, Genotype::Diploid(0, 1), &[27, 3]), false);
        assert_eq!((stats.filters, stats.written, stats.types), ([1, 1, 0], 0, [0; 5]));
        assert_eq!(stats.allele_fraction[FractionClass::RefCall as usize], [0, 0, 1]);
        assert_eq!((stats.reference_calls.calls().len(), stats.variants.calls().len()), (1, 0));
    }

    #[test]
    fn the_least_certain_are_kept() {
        let mut stats = CallStats::default();
        let of = alts(&["G"]);
        for i in 0..50_u64 {
            let genotype_quality = i32::try_from((i * 7) % 50).unwrap();
            let counted = call("A", &of, Genotype::Diploid(0, 1), &[15, 15]);
            stats.add(&CountedCall { position: i, genotype_quality, ..counted }, true);
        }
        let listed: Vec<_> = stats.variants.calls().iter().map(|call| call.genotype_quality).collect();
        assert_eq!(listed, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn bins_begin_at_their_lower_end() {
        assert_eq!([0.0, 4.9, 5.0, 99.0, 150.0].map(|q| bin(q, QUALITY_BIN, LAST_QUALITY_BIN)), [0, 0, 1, 19, 19]);
        assert_eq!([0.0, 0.15, 0.5, 1.0].map(|f| bin(f, ALLELE_FRACTION_BIN, LAST_FRACTION_BIN)), [0, 3, 10, 19]);
    }
}
