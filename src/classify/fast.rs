//! The fast tier: a candidate's reads -> some numbers -> genotype probabilities by a small network, believed where it is sure.
//!
//! Most candidates are plain: half of many good reads, or all of them, show a substitution far from anything else. Those are
//! settled here, before any image is drawn; the others go on to the images, where its opinion still has some weight. Only candidates
//! of one alternative allele are looked at. The weights lie in a model's `fast.json`, how sure is sure enough in its `model.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Probabilities;
use super::checksums;
use super::features::{FEATURES, Features, features, is_snp};
use super::model_dir::bytes;
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::output;
use crate::reads::Read;

/// Deepest candidates, in reads, that a small model may judge that has learned from 5 to 75 reads and from collapsed copies of some times
/// as many. Deeper ones are not among the strange ones below, since depths are looked at by their logarithms. On simulated heterozygous
/// variants its QUAL is above the images' up to 300 reads (median 38 and 33), as theirs at 400, and at 600 it begins to fail.
pub const DEFAULT_MAX_DEPTH: u32 = 300;
/// Candidates with a number that lies so many standard deviations from the mean of those learned from are left to the images.
const STRANGE: f32 = 12.0;
/// Most bytes of `fast.json`; they are some 600,000.
const MOST_BYTES: u64 = 16 << 20;

/// How sure the fast tier must be; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastOptions {
    /// What its outputs are divided by before they become probabilities; positive.
    pub temperature: f64,
    /// Phred of the chance of error under which it settles a substitution.
    pub min_certainty_snps: f64,
    /// The same for what is not one base for one.
    pub min_certainty_indels: f64,
    /// What the images' word weighs where it has not settled a candidate, 0 to 1; its own weighs the rest.
    #[serde(default = "all")]
    pub image_weight: f64,
    /// Most reads of a candidate that it judges; deeper ones are left to the images alone. Any number where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u32>,
}

fn all() -> f64 {
    1.0
}

impl FastOptions {
    /// Phred of the chance of error under which it settles such a candidate.
    #[must_use]
    pub fn needed(&self, features: &Features) -> f64 {
        if is_snp(features) { self.min_certainty_snps } else { self.min_certainty_indels }
    }
}

/// What the fast tier thinks of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinion {
    /// Its probabilities.
    pub probabilities: Probabilities,
    /// Whether it is sure enough of them.
    pub settled: bool,
    /// What an image's word weighs against it.
    image_weight: f64,
}

impl Opinion {
    /// Its probabilities and an image's in one: the weighted mean of their logarithms.
    #[must_use]
    pub fn with_image(&self, image: Probabilities) -> Probabilities {
        joined(self.probabilities, image, self.image_weight)
    }
}

/// The weighted mean of logarithms, as probabilities (a logarithmic pool; Genest and Zidek 1986).
#[must_use]
pub fn joined(own: Probabilities, image: Probabilities, image_weight: f64) -> Probabilities {
    let log = |p: f64| p.max(1e-12).ln();
    let means: [f64; 3] =
        std::array::from_fn(|i| (1.0 - image_weight) * log(own.0[i]) + image_weight * log(image.0[i]));
    Probabilities(softmax(means))
}

fn softmax(logits: [f64; 3]) -> [f64; 3] {
    let highest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let weights = logits.map(|logit| (logit - highest).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// A layer: `bias + weights x`, one row of weights for each output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[outputs][inputs]`.
    pub weights: Vec<Vec<f32>>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Some small networks of one shape and their mean: standardised features, then layers with a rectifier between two of them; three
/// outputs. They differ in what they began with; their mean is more often right than each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastNetwork {
    /// What is taken from each feature.
    pub mean: Vec<f32>,
    /// What each is then divided by.
    pub scale: Vec<f32>,
    /// The layers of each.
    pub members: Vec<Vec<Layer>>,
}

impl Layer {
    fn outputs(&self, inputs: &[f32]) -> Vec<f32> {
        let sum =
            |row: &[f32], bias: f32| row.iter().zip(inputs).fold(bias, |sum, (weight, value)| sum + weight * value);
        self.weights.iter().zip(&self.bias).map(|(row, &bias)| sum(row, bias)).collect()
    }

    /// What no output exceeds in size where no input exceeds `largest`; not finite where a number of the layer is not.
    fn largest_output(&self, largest: f64) -> f64 {
        let size = |number: &f32| f64::from(number.abs());
        let bounds = self
            .weights
            .iter()
            .zip(&self.bias)
            .map(|(row, bias)| size(bias) + largest * row.iter().map(size).sum::<f64>());
        // Unlike `max`, this keeps what is not a number.
        bounds.fold(0.0, |most: f64, bound| if most.is_nan() || bound <= most { most } else { bound })
    }
}

impl FastNetwork {
    /// The features as its first layer takes them: standard deviations from the mean.
    pub fn standardised<'a>(&'a self, features: &'a Features) -> impl Iterator<Item = f32> + 'a {
        features.iter().zip(self.mean.iter().zip(&self.scale)).map(|(x, (mean, scale))| (x - mean) / scale)
    }

    /// Logits of none, one and both copies.
    #[must_use]
    pub fn logits(&self, features: &Features) -> [f32; 3] {
        let inputs: Vec<f32> = self.standardised(features).collect();
        let share = 1.0 / f32::from(u16::try_from(self.members.len()).unwrap_or(u16::MAX));
        self.members.iter().fold([0.0; 3], |sums, layers| {
            let mut values = inputs.clone();
            for (i, layer) in layers.iter().enumerate() {
                values = layer.outputs(&values);
                if i + 1 < layers.len() {
                    values = values.into_iter().map(|value| value.max(0.0)).collect();
                }
            }
            std::array::from_fn(|class| sums[class] + share * values[class])
        })
    }

    /// Whether it has learned from candidates like this one: no number lies far from all it has seen.
    #[must_use]
    pub fn knows(&self, features: &Features) -> bool {
        self.standardised(features).all(|z| z.abs() <= STRANGE)
    }

    /// Writes it as a model's `fast.json`.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self).map_err(|e| Error::Internal(format!("{}: {e}", path.display())))?;
        output::write(path, (text + "\n").as_bytes())
    }

    /// Reads what `fast.json` holds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let network: Self = serde_json::from_slice(json).map_err(|e| format!("is not a fast tier: {e}"))?;
        network.problem().map_or(Ok(network), Err)
    }

    /// What is wrong with its shape or its numbers, if anything.
    fn problem(&self) -> Option<String> {
        if let Some(other) = [self.mean.len(), self.scale.len()].into_iter().find(|&n| n != FEATURES) {
            return Some(format!("describes candidates by {other} numbers, this program by {FEATURES}"));
        }
        if self.members.is_empty() {
            return Some("holds no network".into());
        }
        if self.mean.iter().any(|mean| !mean.is_finite()) {
            return Some("has a mean that is not finite".into());
        }
        if self.scale.iter().any(|scale| !scale.is_normal() || scale.is_sign_negative()) {
            return Some("has a scale that is not positive and finite".into());
        }
        self.members.iter().find_map(|layers| {
            let mut width = FEATURES;
            // What the inputs of a layer cannot exceed, for candidates that it knows.
            let mut largest = f64::from(STRANGE);
            for (i, layer) in layers.iter().enumerate() {
                if layer.weights.len() != layer.bias.len() || layer.weights.iter().any(|row| row.len() != width) {
                    return Some(format!("layer {} does not fit the one before", i + 1));
                }
                width = layer.bias.len();
                largest = layer.largest_output(largest);
                if largest.is_nan() || largest > f64::from(f32::MAX) / 2.0 {
                    return Some(format!(
                        "layer {} has weights that are not finite, or too large for finite results",
                        i + 1
                    ));
                }
            }
            (width != 3).then(|| format!("has {width} outputs, not 3"))
        })
    }
}

/// The fast tier of a model.
#[derive(Clone, Debug)]
pub struct FastTier {
    network: FastNetwork,
    options: FastOptions,
}

impl FastTier {
    /// The tier of a network, sure as `options` say.
    #[must_use]
    pub fn new(network: FastNetwork, options: FastOptions) -> Self {
        Self { network, options }
    }

    /// Reads the network from a model's `fast.json`, which has that SHA-256 where one is given.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read, is damaged or does not fit.
    pub fn read(path: &Path, options: FastOptions, checksum: Option<&str>) -> Result<Self> {
        let json = bytes(path, MOST_BYTES)?;
        checksums::check(path, &format!("{:x}", Sha256::digest(&json)), checksum)?;
        let network = FastNetwork::parse(&json).map_err(|problem| Error::model(path, problem))?;
        Ok(Self { network, options })
    }

    /// Probabilities of a candidate in numbers, however sure they are.
    #[must_use]
    pub fn probabilities(&self, features: &Features) -> Probabilities {
        let logits = self.network.logits(features).map(|logit| f64::from(logit) / self.options.temperature);
        Probabilities(softmax(logits))
    }

    /// What it thinks of a candidate, if it has learned from such.
    #[must_use]
    pub fn judge(&self, candidate: &Candidate, evidence: &Evidence) -> Option<Opinion> {
        let too_deep = self.options.max_depth.is_some_and(|most| candidate.depth > most);
        if too_deep || unlike_any_learned(candidate, &evidence.reads) {
            return None;
        }
        let numbers = features(candidate, evidence).filter(|numbers| self.network.knows(numbers))?;
        let probabilities = self.probabilities(&numbers);
        let settled = certainty(probabilities) >= self.options.needed(&numbers);
        Some(Opinion { probabilities, settled, image_weight: self.options.image_weight })
    }
}

/// Share of reads with a third allele from which on the numbers of a candidate, which know of two, say the wrong thing: the reads of the
/// other haplotype, half of all, look as if they were not there, and a heterozygous allele as if it were homozygous.
const MOST_WITH_THIRD_ALLELE: f64 = 0.3;

/// True for a candidate of a kind that training has none of: an allele to genotype that no read shows, and one beside a third allele that
/// another haplotype's worth of reads has, a deletion over the position included.
fn unlike_any_learned(candidate: &Candidate, reads: &[Read]) -> bool {
    let alts: u32 = candidate.alts.iter().map(|alt| alt.count).sum();
    let others = candidate.depth.saturating_sub(candidate.reference_count + alts);
    let (mut over, mut deleted) = (0_u32, 0_u32);
    for read in reads.iter().filter(|read| read.span.contains(candidate.position)) {
        over += 1;
        deleted += u32::from(read.deletes(candidate.position));
    }
    let is_large = |part: u32, all: u32| f64::from(part) > MOST_WITH_THIRD_ALLELE * f64::from(all);
    alts == 0 || is_large(others, candidate.depth) || is_large(deleted, over)
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
    use crate::testing::{ReadBuilder, candidate, evidence};

    /// Ten reads; five of them are the candidate's.
    fn pileup() -> Evidence {
        let bases = "ACGTTGCAGG".repeat(6);
        let reads = (0..10).map(|i| ReadBuilder::new(70, &bases).name(&i.to_string()).build()).collect();
        evidence(reads, ReferenceWindow::new(0, bases.repeat(8).into()))
    }

    fn constant(logits: [f32; 3]) -> FastNetwork {
        let layer = Layer { weights: vec![vec![0.0; FEATURES]; 3], bias: logits.to_vec() };
        FastNetwork { mean: vec![0.0; FEATURES], scale: vec![1.0; FEATURES], members: vec![vec![layer]] }
    }

    const OPTIONS: FastOptions = FastOptions {
        temperature: 1.0,
        min_certainty_snps: 20.0,
        min_certainty_indels: 99.0,
        image_weight: 0.25,
        max_depth: None,
    };

    #[test]
    fn it_settles_what_it_is_sure_of() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        let opinion =
            |logit: f32| FastTier::new(constant([0.0, logit, 0.0]), OPTIONS).judge(&found, &pileup()).unwrap();
        assert!(!opinion(4.0).settled);
        let sure = opinion(6.0);
        assert!(sure.settled && sure.probabilities.one() > 0.99);
    }

    #[test]
    fn an_image_has_its_weight() {
        let own = Probabilities([0.8, 0.1, 0.1]);
        let image = Probabilities([0.1, 0.8, 0.1]);
        let near = |a: Probabilities, b: [f64; 3]| a.0.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near(joined(own, image, 0.0), own.0) && near(joined(own, image, 1.0), image.0));
        let even = 0.08_f64.sqrt();
        assert!(near(joined(own, image, 0.5), [even, even, 0.1].map(|p| p / (2.0 * even + 0.1))));
        let opinion = Opinion { probabilities: own, settled: false, image_weight: 0.5 };
        assert_eq!(opinion.with_image(image), joined(own, image, 0.5));
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
        assert!(FastTier::new(network, OPTIONS).judge(&found, &pileup()).is_none());
    }

    #[test]
    fn deeper_candidates_than_it_learned_from_are_left_to_the_images() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        let speaks = |most| {
            let options = FastOptions { max_depth: Some(most), ..OPTIONS };
            FastTier::new(constant([0.0, 9.0, 0.0]), options).judge(&found, &pileup()).is_some()
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
        let path = folder.path().join("fast.json");
        constant([0.0, 1.5, -2.0]).write(&path).unwrap();
        assert_eq!(FastTier::read(&path, OPTIONS, None).unwrap().network, constant([0.0, 1.5, -2.0]));
        constant([0.0, f32::NAN, 0.0]).write(&path).unwrap();
        assert!(FastTier::read(&path, OPTIONS, None).unwrap_err().to_string().contains("fast.json"));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let said = |change: fn(&mut FastNetwork)| {
            let mut network = constant([0.0, 1.5, -2.0]);
            change(&mut network);
            network.problem().unwrap_or_default()
        };
        assert!(said(|network| network.mean[3] = f32::NAN).contains("mean"));
        for scale in [0.0, -1.0, f32::INFINITY, f32::NAN, 1e-40] {
            let mut network = constant([0.0; 3]);
            network.scale[7] = scale;
            assert!(network.problem().unwrap().contains("scale"), "{scale}");
        }
        assert!(said(|network| network.members[0][0].bias[1] = f32::NEG_INFINITY).contains("layer 1"));
        assert!(said(|network| network.members[0][0].weights[0][0] = f32::NAN).contains("layer 1"));
        // Finite, but not what comes of it.
        assert!(said(|network| network.members[0][0].weights[0][0] = 1e38).contains("too large"));
        // Not finite once it is of 32 bits.
        let json = serde_json::to_string(&constant([0.0, 1.5, -2.0])).unwrap().replace("1.5", "1e39");
        assert!(FastNetwork::parse(json.as_bytes()).unwrap_err().contains("not finite"));
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fast.json");
        constant([0.0, 1.5, -2.0]).write(&path).unwrap();
        let checksum = checksums::of_file(&path).unwrap();
        assert!(FastTier::read(&path, OPTIONS, Some(&checksum)).is_ok());
        constant([0.0, 1.5, -2.5]).write(&path).unwrap();
        let said = FastTier::read(&path, OPTIONS, Some(&checksum)).unwrap_err().to_string();
        assert!(said.contains("fast.json") && said.contains("SHA-256"), "{said}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_network_or_refused(at in 0_usize..2000, with in proptest::collection::vec(0_u8..=255, 0..9)) {
            let mut json = serde_json::to_vec(&constant([0.0, 1.5, -2.0])).unwrap();
            let at = at % json.len();
            json.splice(at..(at + with.len()).min(json.len()), with);
            if let Ok(network) = FastNetwork::parse(&json) {
                proptest::prop_assert!(network.logits(&[0.5; FEATURES]).iter().all(|logit| logit.is_finite()));
            }
        }
    }

    #[test]
    fn a_network_of_another_shape_is_refused() {
        assert_eq!(constant([0.0; 3]).problem(), None);
        let fewer = FastNetwork { mean: vec![0.0; 3], ..constant([0.0; 3]) };
        assert!(fewer.problem().unwrap().contains("by 3 numbers"));
        let mut uneven = constant([0.0; 3]);
        uneven.members[0].push(Layer { weights: vec![vec![0.0; 4]; 3], bias: vec![0.0; 3] });
        assert!(uneven.problem().unwrap().contains("layer 2"));
        let none = FastNetwork { members: Vec::new(), ..constant([0.0; 3]) };
        assert!(none.problem().unwrap().contains("no network"));
    }

    #[test]
    fn networks_are_averaged() {
        let mut two = constant([0.0, 1.5, -2.0]);
        two.members.extend(constant([1.0, 0.5, -2.0]).members);
        assert!(two.logits(&[0.0; FEATURES]).iter().zip([0.5, 1.0, -2.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
