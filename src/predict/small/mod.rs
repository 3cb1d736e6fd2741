//! A candidate's evidence -> an [`Estimate`] of its genotype probabilities by a small network on `features`.
//!
//! Most candidates are simple: half of many good reads, or all of them, support a substitution far from any other variant. Where the
//! small model is certain of such a candidate no image is rendered. At sites of several alternative alleles it speaks on each image's alleles,
//! where it has learned from such. Its weights are in a model's `small_model.json`, its limits of certainty in `model.json`.

pub(crate) mod features;
mod likelihoods;
pub(in crate::predict) mod network;
mod observed;
mod table;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::model::checksums::{self, SMALL_MODEL};
use crate::model::store::bytes;
use crate::model::{Model, SmallModelOptions};
use crate::predict::Probabilities;
use crate::predict::softmax;
use crate::reads::Read;

pub use network::{HIDDEN, Layer, MEMBERS, SmallNetwork};
pub use table::{FEATURES, FeatureId, Features, is_snp};

/// Least certainty, Phred, at which the small model decides such a candidate.
#[must_use]
pub fn needed_certainty(options: &SmallModelOptions, features: &Features) -> f64 {
    if is_snp(features) { options.min_certainty_snps } else { options.min_certainty_indels }
}

/// What the small model says of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Its probabilities.
    pub probabilities: Probabilities,
    /// Whether it is certain enough for a call without an image.
    pub is_certain: bool,
    /// The weight of an image's probabilities where it is not certain; its own have the rest.
    pub image_weight: f64,
}

/// Why the small model does not speak on a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// A feature is beyond its range in the training data: the likelihoods of the reads decide.
    Beyond(FeatureId),
    /// The candidate has several alternative alleles, and it has learned from none such.
    SeveralAlleles,
    /// The candidate has several alternative alleles: it speaks on those of each image.
    OnEachImage,
    /// The candidate is deeper than those that it learned from.
    TooDeep,
    /// No read shows the allele, or a third allele has a haplotype's share of the reads.
    ThirdAllele,
    /// A feature is far from all those of the training data.
    Strange(FeatureId),
    /// It does not take alleles that were asked for.
    NotTaken,
}

/// A feature of a candidate and what it contributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// The feature.
    pub id: FeatureId,
    /// Its value.
    pub value: f32,
    /// The value in standard deviations from the mean of the training data.
    pub deviations: f32,
    /// Its share of the difference between the logits of the two most probable genotypes, by integrated gradients, nats.
    pub contribution: f64,
    /// What that difference loses where the feature alone is set to its mean, nats.
    pub if_replaced: f64,
}

/// All that the small model says of a candidate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SmallModelAccount {
    /// Why it does not speak, if so.
    pub silence: Option<Silence>,
    /// Its probabilities, or those by the likelihoods of the reads.
    pub probabilities: Option<Probabilities>,
    /// Certainty, Phred.
    pub certainty: Option<f64>,
    /// Certainty from which on it decides alone, Phred.
    pub needed: Option<f64>,
    /// Whether it decides alone.
    pub is_certain: bool,
    /// The two most probable genotypes, between which contributions are.
    pub between: Option<[usize; 2]>,
    /// The difference of their logits, nats.
    pub difference: Option<f64>,
    /// The same of a candidate whose features are all at the mean of the training data.
    pub at_the_mean: Option<f64>,
    /// Its features; none of a candidate of several alternative alleles.
    pub features: Vec<Contribution>,
}

/// The weighted mean of logarithms, as probabilities (a logarithmic pool; Genest and Zidek 1986).
#[must_use]
pub fn joined(own: Probabilities, image: Probabilities, image_weight: f64) -> Probabilities {
    let log = |p: f64| p.max(1e-12).ln();
    let means: [f64; 3] =
        std::array::from_fn(|i| (1.0 - image_weight) * log(own.0[i]) + image_weight * log(image.0[i]));
    Probabilities(softmax(means))
}

/// The small model of a model.
#[derive(Clone, Debug)]
pub struct SmallModel {
    network: SmallNetwork,
    options: SmallModelOptions,
}

impl SmallModel {
    /// The small model of a network, with the limits that `options` give.
    #[must_use]
    pub fn new(network: SmallNetwork, options: SmallModelOptions) -> Self {
        Self { network, options }
    }

    /// Reads the network from a model's `small_model.json`, which has that SHA-256 where one is given.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read, is damaged or does not fit.
    pub fn read(path: &Path, options: SmallModelOptions, checksum: Option<&str>) -> Result<Self> {
        let json = bytes(path, network::MOST_BYTES)?;
        checksums::check(path, &format!("{:x}", Sha256::digest(&json)), checksum)?;
        let network = SmallNetwork::parse(&json).map_err(|problem| Error::model(path, problem))?;
        Ok(Self { network, options })
    }

    /// The small model of a model's folder, if it has one.
    ///
    /// # Errors
    /// As [`SmallModel::read`].
    pub fn of(model: &Model) -> Result<Option<Self>> {
        let expected = model.config.checksums.small_model.as_deref();
        let path = model.folder.join(SMALL_MODEL);
        model.config.small_model.map(|options| Self::read(&path, options, expected)).transpose()
    }

    /// Whether it takes features of tracts.
    #[must_use]
    pub fn takes_tracts(&self) -> bool {
        self.network.features.iter().any(|feature| feature.is_of_tract())
    }

    /// Probabilities for the features of a candidate of one alternative allele, however certain.
    #[must_use]
    pub fn probabilities(&self, features: &Features) -> Probabilities {
        self.at_temperature(features, self.options.temperature)
    }

    fn at_temperature(&self, features: &Features, temperature: f64) -> Probabilities {
        Probabilities(softmax(self.network.logits(features).map(|logit| f64::from(logit) / temperature)))
    }

    /// Probabilities by the reads' likelihoods alone, where a feature lies beyond all those that it learned from; `None` elsewhere, and of models
    /// that do not say how far these reach.
    #[must_use]
    pub fn fallback(&self, features: &Features) -> Option<Probabilities> {
        let beyond = self.network.beyond(features)?;
        log::debug!("{} is {}, unlike any in the training data", beyond.name(), beyond.of(features));
        Some(likelihoods::probabilities(features))
    }

    /// Whether it takes sites of several alternative alleles.
    #[must_use]
    pub fn takes_several_alleles(&self) -> bool {
        self.options.several_alleles.is_some()
    }

    /// Why it does not speak on a candidate's features, if so; [`SmallModel::fallback`] aside.
    fn silence(&self, candidate: &Candidate, evidence: &Evidence, features: &Features) -> Option<Silence> {
        if self.options.max_depth.is_some_and(|most| candidate.depth > most) {
            return Some(Silence::TooDeep);
        }
        if unlike_any_learned(candidate, &evidence.reads) {
            return Some(Silence::ThirdAllele);
        }
        self.network.strange(features).map(Silence::Strange)
    }

    /// All that it says of a candidate of one alternative allele, for people.
    #[must_use]
    pub fn account(&self, candidate: &Candidate, evidence: &Evidence, features: &Features) -> SmallModelAccount {
        let beyond = self.network.beyond(features).map(Silence::Beyond);
        let silence = beyond.or_else(|| self.silence(candidate, evidence, features));
        let probabilities = self.fallback(features).unwrap_or_else(|| self.probabilities(features));
        let own = self.probabilities(features);
        let mut order = [0, 1, 2];
        order.sort_by(|&a: &usize, &b| own.0[b].total_cmp(&own.0[a]));
        let [best, second, _] = order;
        let mut weights = [0.0; 3];
        weights[best] = 1.0 / self.options.temperature;
        weights[second] = -1.0 / self.options.temperature;
        let integrated = self.network.contributions(features, weights);
        let replaced = self.network.replacements(features, weights);
        let numbers = self.network.standardised(features).zip(integrated.iter().zip(replaced));
        let each = self.network.features.iter().zip(numbers);
        let features_told = each.map(|(&id, (deviations, (&contribution, if_replaced)))| Contribution {
            id,
            value: id.of(features),
            deviations,
            contribution,
            if_replaced,
        });
        let at_the_mean = self.network.at_the_mean(weights);
        let speaks = silence.is_none();
        let needed = needed_certainty(&self.options, features);
        SmallModelAccount {
            silence,
            probabilities: (speaks || beyond.is_some()).then_some(probabilities),
            certainty: speaks.then(|| certainty(own)),
            needed: speaks.then_some(needed),
            is_certain: speaks && certainty(own) >= needed,
            between: Some([best, second]),
            difference: Some(at_the_mean + integrated.iter().sum::<f64>()),
            at_the_mean: Some(at_the_mean),
            features: features_told.collect(),
        }
    }

    /// Its estimate for a candidate with respect to the alleles that the features are of; `None` for candidates unlike those that it learned
    /// from.
    #[must_use]
    pub fn estimate(&self, candidate: &Candidate, evidence: &Evidence, features: &Features) -> Option<Estimate> {
        if self.silence(candidate, evidence, features).is_some() {
            return None;
        }
        if candidate.alts.len() > 1 {
            let several = self.options.several_alleles?;
            let probabilities = self.at_temperature(features, several.temperature);
            let is_certain = several.min_certainty.is_some_and(|needed| certainty(probabilities) >= needed);
            return Some(Estimate { probabilities, is_certain, image_weight: several.image_weight });
        }
        let probabilities = self.probabilities(features);
        let is_certain = certainty(probabilities) >= needed_certainty(&self.options, features);
        Some(Estimate { probabilities, is_certain, image_weight: self.options.image_weight })
    }
}

/// Share of reads with a third allele above which the features, which describe two alleles, mislead: reads of the other haplotype, half of
/// all, support neither, so that a heterozygous allele looks homozygous.
const MOST_WITH_THIRD_ALLELE: f64 = 0.3;

/// True for candidates of a kind that training has none of: an allele to genotype without supporting reads, and one beside a third allele with
/// a haplotype's share of the reads, a deletion over the position included.
fn unlike_any_learned(candidate: &Candidate, reads: &[Read]) -> bool {
    let alts: u32 = candidate.alts.iter().map(|alt| alt.count).sum();
    let others = candidate.depth.saturating_sub(candidate.reference_count + alts);
    alts == 0 || is_large(others, candidate.depth) || is_deleted_beside(candidate, reads)
}

/// Whether a haplotype's share of the reads has a deletion over the candidate: no allele has two copies there then.
pub(in crate::predict) fn is_deleted_beside(candidate: &Candidate, reads: &[Read]) -> bool {
    let (mut over, mut deleted) = (0, 0);
    for read in reads.iter().filter(|read| read.span.contains(candidate.position)) {
        over += 1;
        deleted += u32::from(read.deletes(candidate.position));
    }
    is_large(deleted, over)
}

/// Whether so many of all reads are a haplotype's.
fn is_large(part: u32, all: u32) -> bool {
    f64::from(part) > MOST_WITH_THIRD_ALLELE * f64::from(all)
}

/// Phred of the chance that the most probable genotype is wrong.
#[must_use]
pub fn certainty(probabilities: Probabilities) -> f64 {
    let mut sorted = probabilities.0;
    sorted.sort_by(f64::total_cmp);
    -10.0 * (sorted[0] + sorted[1]).max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::ReferenceWindow;
    use crate::model::SeveralAllelesOptions;
    use crate::pileup::AltSet;
    use crate::predict::small::features::features;
    use crate::predict::small::network::tests::constant;
    use crate::testing::{ReadBuilder, candidate, evidence, sample_profile};

    /// Ten reads; five of them are the candidate's.
    fn pileup() -> Evidence {
        let bases = "ACGTTGCAGG".repeat(6);
        let reads = (0..10).map(|i| ReadBuilder::new(70, &bases).name(&i.to_string()).build()).collect();
        evidence(reads, ReferenceWindow::new(0, bases.repeat(8).into()))
    }

    const OPTIONS: SmallModelOptions = SmallModelOptions {
        temperature: 1.0,
        min_certainty_snps: 20.0,
        min_certainty_indels: 99.0,
        image_weight: 0.25,
        several_alleles: None,
        max_depth: None,
    };

    #[test]
    fn it_is_certain_above_its_limit() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        let estimate = |logit: f32| {
            SmallModel::new(constant([0.0, logit, 0.0]), OPTIONS)
                .estimate(&found, &pileup(), &features((&found, AltSet::One(0)), &pileup(), sample_profile(), false))
                .unwrap()
        };
        assert!(!estimate(4.0).is_certain);
        let certain = estimate(6.0);
        assert!(certain.is_certain && certain.probabilities.het() > 0.99);
    }

    #[test]
    fn of_several_alleles_it_speaks_where_it_has_learned_from_such() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4]), ("C", 3, &[5, 6, 7])], 2);
        let of_set = features((&found, AltSet::Two(0, 1)), &pileup(), sample_profile(), false);
        let estimate = |several_alleles| {
            let options = SmallModelOptions { several_alleles, ..OPTIONS };
            SmallModel::new(constant([0.0, 9.0, 0.0]), options).estimate(&found, &pileup(), &of_set)
        };
        assert_eq!(estimate(None), None);
        let options = SeveralAllelesOptions { temperature: 3.0, image_weight: 0.6, min_certainty: None };
        let Estimate { probabilities, is_certain, image_weight } = estimate(Some(options)).unwrap();
        assert!(
            !is_certain && (image_weight - 0.6).abs() < 1e-9,
            "the image is needed in any case, as no limit is set"
        );
        let odds = probabilities.het() / probabilities.hom_ref();
        assert!((odds.ln() - 3.0).abs() < 1e-9, "at its own temperature: {odds}");
        let certain = |needed| {
            estimate(Some(SeveralAllelesOptions { min_certainty: Some(needed), ..options })).unwrap().is_certain
        };
        assert!(certain(9.0) && !certain(11.0), "two genotypes of 4.5 % each");
    }

    #[test]
    fn an_image_has_its_weight() {
        let own = Probabilities([0.8, 0.1, 0.1]);
        let image = Probabilities([0.1, 0.8, 0.1]);
        let near = |a: Probabilities, b: [f64; 3]| a.0.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(joined(own, image, 0.0), own.0) && near(joined(own, image, 1.0), image.0));
        let even = 0.08_f64.sqrt();
        assert!(near(joined(own, image, 0.5), [even, even, 0.1].map(|p| p / (2.0 * even + 0.1))));
        assert!(joined(Probabilities([1.0, 0.0, 0.0]), image, 0.5).0.iter().all(|p| p.is_finite()));
    }

    #[test]
    fn reads_unlike_those_it_learned_from_are_left_to_the_images() {
        let mut network = constant([0.0, 9.0, 0.0]);
        let numbers = [0.5; FEATURES];
        assert!(network.knows(&numbers));
        network.mean[40] = 13.5;
        assert!(!network.knows(&numbers));
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        assert!(
            SmallModel::new(network, OPTIONS)
                .estimate(&found, &pileup(), &features((&found, AltSet::One(0)), &pileup(), sample_profile(), false))
                .is_none()
        );
    }

    #[test]
    fn deeper_candidates_than_it_learned_from_are_left_to_the_images() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        let speaks = |most| {
            let options = SmallModelOptions { max_depth: Some(most), ..OPTIONS };
            SmallModel::new(constant([0.0, 9.0, 0.0]), options)
                .estimate(&found, &pileup(), &features((&found, AltSet::One(0)), &pileup(), sample_profile(), false))
                .is_some()
        };
        assert!(speaks(10) && !speaks(9));
    }

    #[test]
    fn a_third_allele_is_left_to_the_images() {
        let reads = |deleted: usize| -> Vec<Read> {
            let one = |i: usize| {
                let cigar = if i < deleted { "25M10D35M" } else { "60M" };
                ReadBuilder::new(70, &"ACGTTGCAGG".repeat(6)).cigar(cigar).name(&i.to_string()).build()
            };
            (0..10).map(one).collect()
        };
        let unlike = |candidate: &Candidate, deleted| unlike_any_learned(candidate, &reads(deleted));
        let two_alleles = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        assert!(!unlike(&two_alleles, 0) && !unlike(&two_alleles, 3) && unlike(&two_alleles, 4));
        let other = Candidate { depth: 15, ..two_alleles.clone() };
        assert!(unlike(&other, 0), "a third of the reads show something else");
        assert!(unlike(&candidate(100, "T", &[("A", 0, &[])], 10), 0), "no read shows it");
    }

    #[test]
    fn a_network_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small_model.json");
        constant([0.0, 1.5, -2.0]).write(&path).unwrap();
        assert_eq!(SmallModel::read(&path, OPTIONS, None).unwrap().network, constant([0.0, 1.5, -2.0]));
        constant([0.0, f32::NAN, 0.0]).write(&path).unwrap();
        assert!(SmallModel::read(&path, OPTIONS, None).unwrap_err().to_string().contains("small_model.json"));
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small_model.json");
        constant([0.0, 1.5, -2.0]).write(&path).unwrap();
        let checksum = checksums::of_file(&path).unwrap();
        assert!(SmallModel::read(&path, OPTIONS, Some(&checksum)).is_ok());
        constant([0.0, 1.5, -2.5]).write(&path).unwrap();
        let said = SmallModel::read(&path, OPTIONS, Some(&checksum)).unwrap_err().to_string();
        assert!(said.contains("small_model.json") && said.contains("SHA-256"), "{said}");
    }
}
