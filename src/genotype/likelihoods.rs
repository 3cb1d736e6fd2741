//! Probabilities of diploid genotypes in VCF's order, and the Phred numbers made of them.

use crate::variant::Genotype;

/// Highest probability that is used: Phred values end at 99.03.
const MAX_PROBABILITY: f64 = 1.0 - 1.25e-10;

/// PL of an impossible genotype: the highest of [`GenotypeProbabilities::phred_likelihoods`].
pub const IMPOSSIBLE: i32 = 990;

/// One probability for each genotype, in VCF's order; they sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct GenotypeProbabilities(Vec<f64>);

impl GenotypeProbabilities {
    /// Scales `weights` (in VCF's order, none negative) to sum to 1. All zero gives equal probabilities.
    #[must_use]
    pub fn normalised(weights: Vec<f64>) -> Self {
        let sum: f64 = weights.iter().sum();
        let n = weights.len();
        #[allow(clippy::cast_precision_loss, reason = "a handful of genotypes")]
        let equal = 1.0 / n as f64;
        Self(weights.into_iter().map(|w| if sum > 0.0 { w / sum } else { equal }).collect())
    }

    /// The probabilities of hom-ref, het and hom-alt as a network gives them; they sum to 1 but for rounding.
    #[must_use]
    pub fn of_one_allele(probabilities: [f64; 3]) -> Self {
        Self(probabilities.into())
    }

    /// Without the genotypes of two different alleles, scaled to sum to 1.
    #[must_use]
    pub fn homozygous(&self) -> Self {
        // In VCF's order n alleles have n (n + 1) / 2 genotypes.
        let alleles = (1..=self.0.len()).find(|n| n * (n + 1) / 2 >= self.0.len()).unwrap_or(1);
        let weights = Genotype::all(alleles).zip(&self.0).map(|(g, &p)| if g.is_homozygous() { p } else { 0.0 });
        Self::normalised(weights.collect())
    }

    /// The probabilities.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Index of the most probable genotype, the first of equals.
    #[must_use]
    pub fn best(&self) -> usize {
        (1..self.0.len()).fold(0, |best, i| if self.0[i] > self.0[best] { i } else { best })
    }

    /// GQ: Phred that the most probable genotype is wrong, rounded.
    #[must_use]
    pub fn genotype_quality(&self) -> i32 {
        rounded(error_phred(self.0[self.best()]))
    }

    /// QUAL: Phred that the sample is hom-ref, to one decimal: of 1 less the sum of all other genotypes.
    #[must_use]
    pub fn quality(&self) -> f64 {
        (error_phred(self.0[1..].iter().sum()) * 10.0).round() / 10.0
    }

    /// PL: Phred of each genotype relative to the most probable one, truncated.
    #[must_use]
    pub fn phred_likelihoods(&self) -> Vec<i32> {
        let floor = 1e-99;
        let best = self.0[self.best()].max(floor).log10();
        self.0.iter().map(|p| truncated(-10.0 * (p.max(floor).log10() - best))).collect()
    }
}

/// Phred of `1 - probability`, at most 99.03, at least 0.
#[must_use]
pub fn error_phred(probability: f64) -> f64 {
    (-10.0 * (1.0 - probability.clamp(0.0, MAX_PROBABILITY)).log10()).max(0.0)
}

/// Likelihoods of the genotypes of `copies` alleles, of those of all diploid ones of so many `alleles`; of one, those of the homozygous genotypes.
#[must_use]
pub fn of_copies(diploid: &[i32], alleles: usize, copies: usize) -> Vec<i32> {
    if copies == 2 {
        return diploid.to_vec();
    }
    (0..alleles).filter_map(|a| diploid.get(Genotype::Diploid(a, a).index())).copied().collect()
}

#[allow(clippy::cast_possible_truncation, reason = "Phred values end below 1000")]
fn rounded(phred: f64) -> i32 {
    phred.round() as i32
}

#[allow(clippy::cast_possible_truncation, reason = "Phred values end below 1000")]
fn truncated(phred: f64) -> i32 {
    phred as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phred_numbers() {
        let p = GenotypeProbabilities::normalised(vec![0.001, 0.989, 0.01]);
        assert_eq!((p.best(), p.genotype_quality(), p.phred_likelihoods()), (1, 20, vec![29, 0, 19]));
        assert!((p.quality() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn certainty_is_capped() {
        let p = GenotypeProbabilities::normalised(vec![0.0, 1.0, 0.0]);
        assert_eq!((p.genotype_quality(), p.phred_likelihoods()), (99, vec![990, 0, 990]));
        assert!((p.quality() - 99.0).abs() < 1e-9);
    }

    #[test]
    fn a_haploid_sample_has_one_allele() {
        let p = GenotypeProbabilities::normalised(vec![0.1, 0.6, 0.2, 0.05, 0.03, 0.02]).homozygous();
        let expected = [0.1 / 0.32, 0.0, 0.2 / 0.32, 0.0, 0.0, 0.02 / 0.32];
        assert!(p.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{p:?}");
        assert_eq!(p.best(), 2);
    }

    proptest! {
        #[test]
        fn the_called_genotypes_likelihood_is_0(weights in prop::collection::vec(0.0_f64..1.0, 3..16)) {
            let p = GenotypeProbabilities::normalised(weights);
            prop_assert!((p.values().iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert_eq!(p.phred_likelihoods()[p.best()], 0);
            prop_assert!(p.phred_likelihoods().iter().all(|&pl| pl >= 0));
        }
    }
}
