//! Features -> genotype probabilities by the likelihoods of the reads alone, for candidates unlike any that a small model has learned from.

use crate::predict::Probabilities;
use crate::predict::small::table::{FeatureId, Features, is_snp};
use crate::predict::softmax;

/// Natural logarithms of the prior probabilities of hom-ref, het and hom-alt at a candidate: one in a thousand is a variant, two of three are
/// heterozygous.
const PRIOR: [f64; 3] = [-0.001, -7.31, -8.01];
/// What the table divides logarithms of likelihoods by: of the reads' bases, and of their lengths in a tract.
const OF_READS: f64 = 10.0;
const OF_TRACT: f64 = 8.0;

/// Probabilities by the lengths that the reads have in an indel's tract, or by their bases where there is none.
pub(super) fn probabilities(features: &Features) -> Probabilities {
    let of = |name: &str| FeatureId::try_from(name.to_owned()).map_or(0.0, |feature| f64::from(feature.of(features)));
    let logs = if of("tract") > 0.5 && !is_snp(features) {
        ["tract_hom_ref", "tract_het", "tract_hom_alt"].map(|name| OF_TRACT * of(name))
    } else {
        [OF_READS * of("hom_ref_likelihood"), 0.0, OF_READS * of("hom_alt_likelihood")]
    };
    Probabilities(softmax(std::array::from_fn(|copies| logs[copies] + PRIOR[copies])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::small::FEATURES;

    fn of(named: &[(&str, f32)]) -> Probabilities {
        let mut features = [0.0; FEATURES];
        for (name, value) in named {
            features[FeatureId::all().position(|feature| feature.name() == *name).unwrap()] = *value;
        }
        probabilities(&features)
    }

    #[test]
    fn the_likeliest_is_the_most_probable() {
        assert!(of(&[("hom_ref_likelihood", -6.0), ("hom_alt_likelihood", -6.0)]).0[1] > 0.999);
        assert!(of(&[("hom_ref_likelihood", -6.0), ("hom_alt_likelihood", 6.0)]).0[2] > 0.999);
        assert!(of(&[("hom_ref_likelihood", 6.0), ("hom_alt_likelihood", -6.0)]).0[0] > 0.999);
        assert!(of(&[]).0[0] > 0.99, "reads that say nothing");
    }

    #[test]
    fn in_tracts_lengths_count() {
        let shown = [("hom_ref_likelihood", -6.0), ("tract", 1.0), ("tract_het", -5.0), ("tract_hom_alt", -5.0)];
        assert!(of(&shown).0[0] > 0.999);
        let substitution = [&shown[..], &[("is_snp", 1.0)]].concat();
        assert!(of(&substitution).0[0] < 0.001, "its lengths say nothing");
    }
}
