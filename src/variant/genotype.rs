//! Allele indices of a call -> [`Genotype`]; and the order in which VCF lists the likelihoods of genotypes.

use std::fmt;

/// The alleles of a call, as indices into its record's alleles: 0 is REF, `i` the `i`th ALT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Genotype {
    /// One copy.
    Haploid(usize),
    /// Two copies, in the order in which they are written or lie on two haplotypes.
    Diploid(usize, usize),
}

impl Genotype {
    /// `0/0`.
    pub const HOM_REF: Self = Self::Diploid(0, 0);

    /// All diploid genotypes of `alleles` alleles (the reference among them) in VCF's order: 0/0, 0/1, 1/1, 0/2, ...
    ///
    /// ```
    /// use varpix::variant::Genotype;
    ///
    /// let of_three: Vec<_> = Genotype::all(3).collect();
    /// assert_eq!(of_three[3], Genotype::Diploid(0, 2));
    /// assert!(of_three.iter().enumerate().all(|(i, genotype)| genotype.index() == i));
    /// ```
    pub fn all(alleles: usize) -> impl Iterator<Item = Self> + Clone {
        (0..alleles).flat_map(|high| (0..=high).map(move |low| Self::Diploid(low, high)))
    }

    /// Its index in VCF's order: F(j/k) = k (k + 1) / 2 + j for j <= k (VCF specification, section 1.6.2).
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Haploid(allele) => allele,
            Self::Diploid(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                high * (high + 1) / 2 + low
            }
        }
    }

    /// Its alleles, in its order.
    pub fn alleles(self) -> impl Iterator<Item = usize> + Clone {
        let (first, second) = match self {
            Self::Haploid(allele) => (allele, None),
            Self::Diploid(a, b) => (a, Some(b)),
        };
        std::iter::once(first).chain(second)
    }

    /// How many copies of `allele` it has.
    #[must_use]
    pub fn copies(self, allele: usize) -> usize {
        self.alleles().filter(|&other| other == allele).count()
    }

    /// How many copies of alternative alleles it has.
    #[must_use]
    pub fn alternative_copies(self) -> usize {
        self.alleles().filter(|&allele| allele > 0).count()
    }

    /// True where all its copies are of one allele.
    #[must_use]
    pub fn is_homozygous(self) -> bool {
        match self {
            Self::Haploid(_) => true,
            Self::Diploid(a, b) => a == b,
        }
    }

    /// Its first copy alone.
    #[must_use]
    pub fn haploid(self) -> Self {
        match self {
            Self::Haploid(allele) | Self::Diploid(allele, _) => Self::Haploid(allele),
        }
    }
}

impl fmt::Display for Genotype {
    /// As VCF writes it, unphased.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Haploid(allele) => write!(f, "{allele}"),
            Self::Diploid(a, b) => write!(f, "{a}/{b}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_vcf() {
        let listed: Vec<_> = Genotype::all(3).collect();
        let text: Vec<_> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["0/0", "0/1", "1/1", "0/2", "1/2", "2/2"]);
        for (i, genotype) in listed.into_iter().enumerate() {
            let Genotype::Diploid(a, b) = genotype else { panic!("{genotype}") };
            assert_eq!((genotype.index(), Genotype::Diploid(b, a).index()), (i, i));
        }
        assert_eq!(Genotype::Haploid(2).index(), 2);
    }

    #[test]
    fn copies_are_counted() {
        let het = Genotype::Diploid(0, 2);
        assert_eq!([0, 1, 2].map(|allele| het.copies(allele)), [1, 0, 1]);
        assert_eq!((het.alternative_copies(), Genotype::Diploid(1, 2).alternative_copies()), (1, 2));
        assert_eq!((Genotype::Haploid(2).copies(2), Genotype::HOM_REF.alternative_copies()), (1, 0));
        assert!(!het.is_homozygous() && Genotype::Diploid(2, 2).is_homozygous() && het.haploid().is_homozygous());
    }

    #[test]
    fn the_first_copy_stands_for_a_haploid_genotype() {
        assert_eq!(Genotype::Diploid(1, 1).haploid(), Genotype::Haploid(1));
        assert_eq!(Genotype::Haploid(1).haploid().to_string(), "1");
    }
}
