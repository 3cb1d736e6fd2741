//! Probabilities of a site's images -> the alleles kept and one probability for each genotype of them.

use std::collections::BTreeMap;

use super::likelihoods::{GenotypeProbabilities, error_phred};
use crate::model::MultiAllelic;
use crate::pileup::AltSet;
use crate::predict::Probabilities;
use crate::variant::Genotype;

/// Alternative alleles whose own image gives them a QUAL under this are left out, Phred.
pub const MIN_ALLELE_QUALITY: f64 = 1.0;

/// The images' probabilities, by their sets of alleles.
pub type BySet = BTreeMap<AltSet, Probabilities>;

/// Indexes of the alternative alleles that are kept; at least the best one.
#[must_use]
pub fn kept_alts(alts: usize, images: &BySet) -> Vec<usize> {
    let quality = |alt: usize| images.get(&AltSet::One(alt)).map_or(0.0, |p| error_phred(1.0 - p.hom_ref()));
    let best = (1..alts).fold(0, |best, alt| if quality(alt) > quality(best) { alt } else { best });
    (0..alts).filter(|&alt| alt == best || quality(alt) >= MIN_ALLELE_QUALITY).collect()
}

/// Probability of each genotype of the reference and the alleles `kept` (as [`kept_alts`] gives them), by images of kept alleles only.
#[must_use]
pub fn merged(kept: &[usize], images: &BySet, rule: MultiAllelic) -> GenotypeProbabilities {
    if let &[alt] = kept
        && let Some(p) = images.get(&AltSet::One(alt))
    {
        return GenotypeProbabilities::of_one_allele(p.0);
    }
    match rule {
        MultiAllelic::Minimum => least(kept, images),
        MultiAllelic::Product => product(kept, images),
    }
}

/// The product of what all images say: of a genotype, each rates the copies of its own alleles.
fn product(kept: &[usize], images: &BySet) -> GenotypeProbabilities {
    let copies = |set: AltSet, genotype: Genotype| -> usize {
        let of_set = kept.iter().enumerate().filter(|(_, alt)| set.contains(**alt));
        of_set.map(|(i, _)| genotype.copies(i + 1)).sum()
    };
    let weight = |genotype: Genotype| -> f64 {
        images.iter().filter(|(set, _)| all_kept(**set, kept)).map(|(set, p)| p.0[copies(*set, genotype)]).product()
    };
    GenotypeProbabilities::normalised(Genotype::all(kept.len() + 1).map(weight).collect())
}

/// The least that any image of one of the genotype's alleles gives it. Hom-ref is rated by all images; one or two copies of an allele by every image whose set has the allele; two different alleles by the
/// image of the two.
fn least(kept: &[usize], images: &BySet) -> GenotypeProbabilities {
    let kept_images: Vec<_> = images.iter().filter(|(set, _)| all_kept(**set, kept)).collect();
    let weights = Genotype::all(kept.len() + 1)
        .map(|genotype| {
            let alt = |allele: usize| kept[allele - 1];
            let rated = |(set, p): &&(&AltSet, &Probabilities)| -> Option<f64> {
                match genotype {
                    Genotype::Haploid(0) | Genotype::Diploid(0, 0) => Some(p.hom_ref()),
                    Genotype::Diploid(0, allele) | Genotype::Diploid(allele, 0) => {
                        set.contains(alt(allele)).then(|| p.het())
                    }
                    Genotype::Diploid(a, b) if a != b => (**set == AltSet::Two(alt(a), alt(b))).then(|| p.hom_alt()),
                    Genotype::Haploid(allele) | Genotype::Diploid(allele, _) => {
                        set.contains(alt(allele)).then(|| p.hom_alt())
                    }
                }
            };
            kept_images.iter().filter_map(|image| rated(&image)).fold(f64::INFINITY, f64::min)
        })
        .map(|least| if least.is_finite() { least } else { 0.0 })
        .collect();
    GenotypeProbabilities::normalised(weights)
}

/// The same for alleles that begin at different positions, each rated by its own image alone: the product of their probabilities.
#[must_use]
pub fn independent(kept: &[usize], images: &BySet) -> GenotypeProbabilities {
    let of_allele = |alt: usize| images.get(&AltSet::One(alt)).map_or([1.0 / 3.0; 3], |p| p.0);
    let weight = |genotype: Genotype| -> f64 {
        kept.iter().enumerate().map(|(i, &alt)| of_allele(alt)[genotype.copies(i + 1)]).product()
    };
    GenotypeProbabilities::normalised(Genotype::all(kept.len() + 1).map(weight).collect())
}

fn all_kept(set: AltSet, kept: &[usize]) -> bool {
    match set {
        AltSet::One(a) => kept.contains(&a),
        AltSet::Two(a, b) => kept.contains(&a) && kept.contains(&b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(list: &[(AltSet, [f64; 3])]) -> BySet {
        list.iter().map(|&(set, p)| (set, Probabilities(p))).collect()
    }

    #[test]
    fn the_probabilities_of_one_allele_are_kept() {
        for rule in [MultiAllelic::Minimum, MultiAllelic::Product] {
            let p = merged(&[0], &images(&[(AltSet::One(0), [0.1, 0.7, 0.2])]), rule);
            assert_eq!(p.values(), [0.1, 0.7, 0.2]);
        }
    }

    #[test]
    fn two_different_alleles() {
        let images = images(&[
            (AltSet::One(0), [0.01, 0.98, 0.01]),
            (AltSet::One(1), [0.02, 0.97, 0.01]),
            (AltSet::Two(0, 1), [0.01, 0.04, 0.95]),
        ]);
        assert_eq!(kept_alts(2, &images), [0, 1]);
        let p = merged(&[0, 1], &images, MultiAllelic::Minimum);
        assert_eq!(p.best(), 4, "1/2 in {p:?}");
        // Weights 0.01, 0.04, 0.01, 0.04, 0.95, 0.01.
        assert!((p.values()[4] - 0.95 / 1.06).abs() < 1e-12);
        let p = merged(&[0, 1], &images, MultiAllelic::Product);
        // 0/0, 0/1, 1/1, 0/2, 1/2, 2/2: each image by the copies of its alleles.
        let weights = [
            0.01 * 0.02 * 0.01,
            0.98 * 0.02 * 0.04,
            0.01 * 0.02 * 0.95,
            0.01 * 0.97 * 0.04,
            0.98 * 0.97 * 0.95,
            0.01 * 0.01 * 0.95,
        ];
        let sum: f64 = weights.iter().sum();
        assert!(p.values().iter().zip(weights).all(|(p, weight)| (p - weight / sum).abs() < 1e-12), "{p:?}");
    }

    #[test]
    fn alleles_at_different_positions_are_rated_one_by_one() {
        let of =
            |first, second| independent(&[0, 1], &images(&[(AltSet::One(0), first), (AltSet::One(1), second)])).best();
        let [hom_ref, het, hom_alt] = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]];
        // 0/0, 0/1, 1/1, 0/2, 1/2, 2/2.
        assert_eq!(
            [of(hom_ref, hom_ref), of(het, hom_ref), of(hom_alt, hom_ref), of(hom_ref, het), of(het, het)],
            [0, 1, 2, 3, 4]
        );
        assert_eq!(of(hom_ref, hom_alt), 5);
    }

    #[test]
    fn improbable_alleles_are_dropped_with_their_pairs() {
        let images = images(&[
            (AltSet::One(0), [0.99, 0.005, 0.005]),
            (AltSet::One(1), [0.01, 0.98, 0.01]),
            (AltSet::Two(0, 1), [0.4, 0.3, 0.3]),
        ]);
        let kept = kept_alts(2, &images);
        assert_eq!(kept, [1]);
        assert_eq!(merged(&kept, &images, MultiAllelic::Minimum).values(), [0.01, 0.98, 0.01]);
    }

    #[test]
    fn the_best_allele_is_always_kept() {
        let images = images(&[(AltSet::One(0), [0.99, 0.01, 0.0]), (AltSet::One(1), [0.98, 0.02, 0.0])]);
        assert_eq!(kept_alts(2, &images), [1]);
    }
}
