//! A candidate with its evidence, and its images where they are needed -> a [`Prediction`]: probabilities, and which model they are of.
//!
//! This is the one place that says which of a candidate's sets of alleles need an image ([`decide`]), and how the small model and the CNN are joined where it
//! does ([`Undecided::with_image`]). Calling puts a queue and batches between these two; [`predict`] does both at once.

use std::fmt;

use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::{Evidence, EvidenceOptions};
use crate::inputs::Inputs;
use crate::pileup::spec::REFERENCE_ROWS;
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets};
use crate::predict::Probabilities;
use crate::predict::any_small::{self, AnySmallModel};
use crate::predict::cnn::{Batch, Classifier};
use crate::predict::imported::ImportedEstimate;
use crate::predict::small::features::features;
use crate::predict::small::{Features, Silence, SmallModelAccount, is_deleted_beside, joined};
use crate::sample::{SampleProfile, SurveyOptions, survey};

/// Which model a prediction is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Predictor {
    /// The small model alone; no image was rendered.
    SmallModel,
    /// The CNN alone: there is no small model, or the candidate is unlike those that it learned from.
    Cnn,
    /// Both, joined.
    Both,
    /// Neither, but the likelihoods of its reads: a feature lies beyond all those that the small model learned from.
    Likelihoods,
}

impl Predictor {
    /// Whether the CNN classified an image.
    #[must_use]
    pub fn is_of_images(self) -> bool {
        matches!(self, Self::Cnn | Self::Both)
    }
}

impl fmt::Display for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SmallModel => "small_model",
            Self::Cnn => "cnn",
            Self::Both => "small_model+cnn",
            Self::Likelihoods => "likelihoods",
        })
    }
}

/// Probabilities with respect to a set of a candidate's alternative alleles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The probabilities.
    pub probabilities: Probabilities,
    /// Which model they are of.
    pub predictor: Predictor,
}

/// What the small model makes of a set of a candidate's alternative alleles.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "one is on the stack at a time; features need no allocation so")]
pub enum Decision {
    /// The small model is certain, or the likelihoods decide; no image is needed.
    Decided(Prediction),
    /// An image is needed.
    NeedsImage(Undecided),
}

/// What is known of a candidate before its images are classified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Undecided {
    /// The features of the image's alleles, where they are computed already.
    features: Option<Features>,
    /// The small model's probabilities and the weight of an image beside them, where it has any.
    estimate: Option<(Probabilities, f64)>,
    /// The other haplotype has a deletion there, which features of reads that show a base do not tell.
    one_copy: bool,
}

/// What decides about candidates before any image is rendered.
#[derive(Clone, Debug, Default)]
pub struct Decider {
    /// The small model, if there is one.
    pub small_model: Option<AnySmallModel>,
    /// What the sample's reads are like.
    pub sample: SampleProfile,
    /// Whether the CNN takes a candidate's features with its images ([`Classifier::takes_features`]).
    pub image_features: bool,
    /// Whether a model takes features of tracts ([`FeatureId::is_of_tract`](crate::predict::small::FeatureId::is_of_tract)).
    pub tracts: bool,
}

/// Decides which of a candidate's [`alt_sets`] need an image.
#[must_use]
pub fn decide(candidate: &Candidate, evidence: &Evidence, by: &Decider) -> Vec<(AltSet, Decision)> {
    let sets = alt_sets(candidate.alts.len());
    if let Some(AnySmallModel::Imported(model)) = &by.small_model {
        let without = Decision::NeedsImage(by.undecided(candidate, evidence, None, None));
        let decided = |set| {
            let estimate = model.estimate(candidate, set, evidence).filter(ImportedEstimate::is_accepted);
            estimate.map_or(without, |ImportedEstimate { probabilities, .. }| {
                Decision::Decided(Prediction { probabilities, predictor: Predictor::SmallModel })
            })
        };
        return sets.map(|set| (set, decided(set))).collect();
    }
    sets.map(|set| (set, by_own_model(candidate, set, evidence, by))).collect()
}

/// What varpix's own small model decides, if there is one. The likelihoods of the reads decide only where there is one alternative allele.
fn by_own_model(candidate: &Candidate, set: AltSet, evidence: &Evidence, by: &Decider) -> Decision {
    let own = by.small_model.as_ref().and_then(AnySmallModel::own);
    let single = candidate.alts.len() == 1;
    let small_model = own.filter(|model| single || model.takes_several_alleles());
    let features = small_model.map(|_| by.features(candidate, set, evidence));
    let of_single = small_model.zip(features).filter(|_| single);
    if let Some(probabilities) = of_single.and_then(|(model, of)| model.fallback(&of)) {
        return Decision::Decided(Prediction { probabilities, predictor: Predictor::Likelihoods });
    }
    let estimate = small_model.zip(features).and_then(|(model, of)| model.estimate(candidate, evidence, &of));
    let undecided = |estimate| Decision::NeedsImage(by.undecided(candidate, evidence, features.as_ref(), estimate));
    match estimate {
        Some(estimate) if estimate.is_certain => {
            let probabilities = estimate.probabilities;
            Decision::Decided(Prediction { probabilities, predictor: Predictor::SmallModel })
        }
        Some(estimate) => undecided(Some((estimate.probabilities, estimate.image_weight))),
        None => undecided(None),
    }
}

impl Decider {
    /// Of a model's small model and CNN; surveys the sample for what they take of its profile.
    ///
    /// # Errors
    /// As [`survey`].
    pub fn surveyed(
        small_model: Option<AnySmallModel>,
        cnn: &dyn Classifier,
        inputs: &Inputs,
        evidence: EvidenceOptions,
    ) -> Result<Self> {
        let tracts = cnn.takes_tracts() || small_model.as_ref().is_some_and(AnySmallModel::takes_tracts);
        let image_features = cnn.takes_features();
        let mut decider = Self { small_model, sample: SampleProfile::default(), image_features, tracts };
        if decider.takes_profile() {
            let options = SurveyOptions { evidence, slippage: tracts };
            decider.sample = survey(inputs.reads(), inputs.reference(), options)?;
        }
        Ok(decider)
    }

    /// Whether a model takes features, some of which are of the sample's profile.
    #[must_use]
    pub fn takes_profile(&self) -> bool {
        self.small_model.as_ref().and_then(AnySmallModel::own).is_some() || self.image_features
    }

    fn undecided(
        &self,
        candidate: &Candidate,
        evidence: &Evidence,
        features: Option<&Features>,
        estimate: Option<(Probabilities, f64)>,
    ) -> Undecided {
        let one_copy = self.image_features && is_deleted_beside(candidate, &evidence.reads);
        Undecided { features: features.copied(), estimate, one_copy }
    }

    fn features(&self, candidate: &Candidate, set: AltSet, evidence: &Evidence) -> Features {
        features((candidate, set), evidence, self.sample, self.tracts)
    }
}

impl Undecided {
    /// The small model's probabilities and the weight of an image beside them, where it has any.
    #[must_use]
    pub fn estimate(&self) -> Option<(Probabilities, f64)> {
        self.estimate
    }

    /// The features that go with an image of the candidate, where the CNN takes any.
    #[must_use]
    pub fn image_features(
        self,
        candidate: &Candidate,
        set: AltSet,
        evidence: &Evidence,
        by: &Decider,
    ) -> Option<Features> {
        by.image_features.then(|| self.features.unwrap_or_else(|| by.features(candidate, set, evidence)))
    }

    /// Joins what is known of the candidate with what the CNN says of one of its images.
    #[must_use]
    pub fn with_image(self, image: Probabilities) -> Prediction {
        let [none, one, two] = image.0;
        let image = if self.one_copy { Probabilities([none, one + two, 0.0]) } else { image };
        match self.estimate {
            Some((own, weight)) => Prediction { probabilities: joined(own, image, weight), predictor: Predictor::Both },
            None => Prediction { probabilities: image, predictor: Predictor::Cnn },
        }
    }
}

/// All that predictions for single candidates need.
pub struct Models {
    /// What decides before images are rendered.
    pub decider: Decider,
    /// The CNN.
    pub cnn: Box<dyn Classifier>,
    /// The CNN's images.
    pub image: ImageSpec,
}

/// What the CNN says of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageAccount {
    /// The alternative alleles that it marks.
    pub set: AltSet,
    /// Reads with a row.
    pub rows: usize,
    /// The CNN's probabilities.
    pub cnn: Probabilities,
    /// The small model's probabilities and the weight of the CNN beside it, where both speak.
    pub small_model: Option<(Probabilities, f64)>,
    /// The joint probabilities.
    pub joint: Probabilities,
    /// Whether hom-alt is impossible.
    pub one_copy: bool,
    /// The CNN's most probable genotype and the second.
    pub between: [usize; 2],
    /// How the difference of their logits changes with each pixel, `[height, width, channel]`; where it was wanted, and the CNN has gradients.
    pub gradient: Option<Vec<f32>>,
}

/// All that the models say of a candidate, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// What the small model says, if there is one.
    pub small_model: Option<SmallModelAccount>,
    /// What the CNN says of each image; none where the candidate needs none.
    pub images: Vec<ImageAccount>,
    /// The predictions, as `predict` gives them.
    pub predictions: Vec<(AltSet, Prediction)>,
}

/// The predictions for a candidate and how they come about; with gradients where these are wanted.
///
/// # Errors
/// As `predict`.
pub fn account(
    candidate: &Candidate,
    evidence: &Evidence,
    models: &mut Models,
    with_gradients: bool,
) -> Result<Account> {
    let by = &models.decider;
    let small_model = by.small_model.as_ref().map(|model| match model {
        AnySmallModel::Imported(model) => any_small::account(model, candidate, evidence),
        AnySmallModel::Own(model) if candidate.alts.len() > 1 => {
            let silence = if model.takes_several_alleles() { Silence::OnEachImage } else { Silence::SeveralAlleles };
            SmallModelAccount { silence: Some(silence), ..SmallModelAccount::default() }
        }
        AnySmallModel::Own(model) => {
            model.account(candidate, evidence, &by.features(candidate, AltSet::One(0), evidence))
        }
    });
    let mut images = Vec::new();
    let predictions = predict_with(candidate, evidence, models, with_gradients, &mut |image| images.push(image))?;
    Ok(Account { small_model, images, predictions })
}

/// The predictions for a candidate, one for each of its [`alt_sets`], its images classified at once. The same as a run's, one candidate at
/// a time and therefore slow.
///
/// # Errors
/// As [`Classifier::classify`].
pub fn predict(candidate: &Candidate, evidence: &Evidence, models: &mut Models) -> Result<Vec<(AltSet, Prediction)>> {
    predict_with(candidate, evidence, models, false, &mut |_| ())
}

/// As [`predict`]; tells `seen` of each image.
fn predict_with(
    candidate: &Candidate,
    evidence: &Evidence,
    models: &mut Models,
    with_gradients: bool,
    seen: &mut dyn FnMut(ImageAccount),
) -> Result<Vec<(AltSet, Prediction)>> {
    let mut predictions = Vec::new();
    for (set, decision) in decide(candidate, evidence, &models.decider) {
        let undecided = match decision {
            Decision::Decided(prediction) => {
                predictions.push((set, prediction));
                continue;
            }
            Decision::NeedsImage(undecided) => undecided,
        };
        let mut batch = Batch::new(models.image.shape());
        let features = undecided.image_features(candidate, set, evidence, &models.decider);
        let rendered = evidence.render(&models.image, candidate, set);
        batch.push(&rendered, features.as_ref())?;
        let found = models.cnn.classify(&batch)?;
        let image = *found.first().ok_or_else(|| Error::Internal("an image has no result".into()))?;
        let prediction = undecided.with_image(image);
        let [best, second, _] = falling(image);
        let mut weights = [0.0; 3];
        (weights[best], weights[second]) = (1.0, -1.0);
        let gradient = if with_gradients { models.cnn.gradient(&batch, weights)? } else { None };
        seen(ImageAccount {
            set,
            rows: rows(&rendered),
            cnn: image,
            small_model: undecided.estimate,
            joint: prediction.probabilities,
            one_copy: undecided.one_copy,
            between: [best, second],
            gradient,
        });
        predictions.push((set, prediction));
    }
    Ok(predictions)
}

/// Indexes of the genotypes, the most probable first.
fn falling(probabilities: Probabilities) -> [usize; 3] {
    let mut order = [0, 1, 2];
    order.sort_by(|&a: &usize, &b| probabilities.0[b].total_cmp(&probabilities.0[a]));
    order
}

/// Rows of an image that have a read.
fn rows(image: &PileupImage) -> usize {
    (REFERENCE_ROWS..image.shape().height).filter(|&row| image.row(row).iter().any(|&value| value > 0)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::ReferenceWindow;
    use crate::model::{ImportedSmallModelOptions, SeveralAllelesOptions, SmallModelOptions};
    use crate::predict::cnn::fixed::SupportClassifier;
    use crate::predict::imported::ImportedSmallModel;
    use crate::predict::imported::dense::{Activation, DenseLayer, DenseNetwork};
    use crate::predict::imported::features::tests::{gathered, read};
    use crate::predict::imported::layout::Layout;
    use crate::predict::small::SmallModel;
    use crate::predict::small::network::tests::constant;
    use crate::testing::{ReadBuilder, candidate, evidence, sample_profile};

    const SMALL_MODEL: SmallModelOptions = SmallModelOptions {
        temperature: 1.0,
        min_certainty_snps: 20.0,
        min_certainty_indels: 99.0,
        image_weight: 0.5,
        several_alleles: None,
        max_depth: None,
    };

    /// A small model that says het with these odds, in nats.
    fn small_model(logit: f32, image_weight: f64) -> AnySmallModel {
        let options = SmallModelOptions { image_weight, ..SMALL_MODEL };
        AnySmallModel::Own(SmallModel::new(constant([0.0, logit, 0.0]), options))
    }

    /// Ten reads, five of which support the candidate.
    fn found() -> (Candidate, Evidence) {
        let bases = "ACGTTGCAGG".repeat(6);
        let reads = (0..10).map(|i| ReadBuilder::new(70, &bases).name(&i.to_string()).build()).collect();
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        (found, evidence(reads, ReferenceWindow::new(0, bases.repeat(8).into())))
    }

    #[test]
    fn a_certain_small_model_decides_alone() {
        let (found, evidence) = found();
        let decider =
            |small_model| Decider { small_model, sample: sample_profile(), image_features: false, tracts: false };
        let outcome = |by: &Decider| {
            let [(AltSet::One(0), decision)] = decide(&found, &evidence, by)[..] else { panic!("one set of alleles") };
            decision
        };
        let certain = |logit| outcome(&decider(Some(small_model(logit, 0.5))));
        let Decision::Decided(prediction) = certain(9.0) else { panic!("it is certain") };
        assert_eq!(prediction.predictor, Predictor::SmallModel);
        assert!(matches!(
            certain(1.0),
            Decision::NeedsImage(Undecided { features: Some(_), estimate: Some(_), one_copy: false })
        ));
        let without = outcome(&decider(None));
        assert_eq!(without, Decision::NeedsImage(Undecided { features: None, estimate: None, one_copy: false }));
        let with_features = Decider { image_features: true, ..decider(None) };
        let Decision::NeedsImage(undecided) = outcome(&with_features) else { panic!("no small model") };
        let of_image = undecided.image_features(&found, AltSet::One(0), &evidence, &with_features);
        let features = features((&found, AltSet::One(0)), &evidence, sample_profile(), false);
        assert_eq!(of_image, Some(features));
        let Decision::NeedsImage(undecided) = certain(1.0) else { panic!("it is not certain") };
        assert_eq!(undecided.image_features(&found, AltSet::One(0), &evidence, &decider(None)), None);
    }

    /// A small model of DeepVariant's that is sure of het, but not of sets of two alleles.
    fn imported() -> AnySmallModel {
        let mut weights = vec![0.0; 70 * 3];
        weights[18 * 3] = 20.0;
        let layer = DenseLayer { weights, bias: vec![0.0, 20.0, 0.0], activation: Activation::Softmax };
        let options = ImportedSmallModelOptions { min_gq_snps: 20.0, min_gq_indels: 28.0, multi_allelic: true };
        AnySmallModel::Imported(ImportedSmallModel::new(DenseNetwork::new(vec![layer]).unwrap(), options))
    }

    #[test]
    fn an_imported_model_decides_about_each_set_by_itself() {
        let of_base = |base: u8| (0..3).map(move |i| read(&format!("{base}-{i}"), &[(120, base)]).build());
        let evidence = gathered(of_base(b'C').chain(of_base(b'G')).collect(), Layout::Short1_9);
        let (found, decider) =
            (&evidence.candidates[0], Decider { small_model: Some(imported()), ..Decider::default() });
        assert!(!decider.takes_profile());
        let sets: Vec<_> = decide(found, &evidence, &decider)
            .into_iter()
            .map(|(set, decision)| (set, matches!(decision, Decision::Decided(_))))
            .collect();
        assert_eq!(sets, [(AltSet::One(0), true), (AltSet::One(1), true), (AltSet::Two(0, 1), false)]);
        let image = ImageSpec::default();
        let cnn = Box::new(SupportClassifier::new(&image).unwrap());
        let mut models = Models { decider, cnn, image };
        let predictions = predict(found, &evidence, &mut models).unwrap();
        let of = |set| predictions.iter().find(|(of, _)| *of == set).unwrap().1;
        assert_eq!(of(AltSet::One(1)).predictor, Predictor::SmallModel);
        // All reads support one of the two: as the images say, and not joined with the small model.
        assert_eq!(of(AltSet::Two(0, 1)).predictor, Predictor::Cnn);
        assert!(of(AltSet::Two(0, 1)).probabilities.hom_alt() > 0.9);
        let told = account(found, &evidence, &mut models, false).unwrap();
        let own = told.small_model.unwrap();
        assert_eq!((own.silence, own.is_certain, own.needed, told.images.len()), (None, false, Some(20.0), 1));
    }

    #[test]
    fn at_sites_of_several_alleles_both_speak_on_each_image() {
        let (one, evidence) = found();
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4]), ("C", 3, &[5, 6, 7])], 2);
        let small_model = |several_alleles| {
            let options = SmallModelOptions { several_alleles, ..SMALL_MODEL };
            AnySmallModel::Own(SmallModel::new(constant([0.0, 9.0, 0.0]), options))
        };
        let told = |candidate: &Candidate, several_alleles| {
            let image = ImageSpec::default();
            let cnn = Box::new(SupportClassifier::new(&image).unwrap());
            let small_model = Some(small_model(several_alleles));
            let decider = Decider { small_model, sample: sample_profile(), image_features: true, tracts: true };
            account(candidate, &evidence, &mut Models { decider, cnn, image }, false).unwrap()
        };
        let options = SeveralAllelesOptions { temperature: 1.0, image_weight: 0.25, min_certainty: None };
        let several = Some(options);
        let both = told(&found, several);
        assert_eq!(both.small_model.unwrap().silence, Some(Silence::OnEachImage));
        assert_eq!(both.images.len(), 3);
        assert!(both.predictions.iter().all(|(_, prediction)| prediction.predictor == Predictor::Both));
        let Some((own, weight)) = both.images[0].small_model else { panic!("both speak") };
        assert_eq!(both.images[0].joint, joined(own, both.images[0].cnn, weight));
        // Where it is certain there is no image.
        let certain = |needed| told(&found, Some(SeveralAllelesOptions { min_certainty: Some(needed), ..options }));
        let alone = certain(30.0);
        assert!(alone.images.is_empty() && alone.predictions.len() == 3);
        assert!(alone.predictions.iter().all(|(_, prediction)| prediction.predictor == Predictor::SmallModel));
        assert_eq!(certain(90.0).predictions, both.predictions);
        let cnn_alone = told(&found, None);
        assert_eq!(cnn_alone.small_model.unwrap().silence, Some(Silence::SeveralAlleles));
        assert!(cnn_alone.predictions.iter().all(|(_, prediction)| prediction.predictor == Predictor::Cnn));
        // Sites of one allele are decided as ever.
        assert_eq!(told(&one, several).predictions, told(&one, None).predictions);
    }

    #[test]
    fn images_are_joined_by_weight() {
        let (own, image) = (Probabilities([0.8, 0.1, 0.1]), Probabilities([0.1, 0.8, 0.1]));
        let undecided = Undecided { features: None, estimate: None, one_copy: false };
        let both = Undecided { estimate: Some((own, 0.5)), ..undecided }.with_image(image);
        assert_eq!(both, Prediction { probabilities: joined(own, image, 0.5), predictor: Predictor::Both });
        let alone = undecided.with_image(image);
        assert_eq!(alone, Prediction { probabilities: image, predictor: Predictor::Cnn });
        let one_copy = Undecided { one_copy: true, ..undecided }.with_image(Probabilities([0.25, 0.25, 0.5]));
        assert_eq!(one_copy.probabilities, Probabilities([0.25, 0.75, 0.0]));
    }

    #[test]
    fn predictions_are_made_at_once_too() {
        let (found, evidence) = found();
        let predicted = |small_model: Option<AnySmallModel>| {
            let image = ImageSpec::default();
            let cnn = Box::new(SupportClassifier::new(&image).unwrap());
            let decider = Decider { small_model, sample: sample_profile(), image_features: true, tracts: true };
            predict(&found, &evidence, &mut Models { decider, cnn, image }).unwrap()
        };
        let of = |predictions: Vec<(AltSet, Prediction)>| predictions[0].1.predictor;
        assert_eq!(of(predicted(Some(small_model(9.0, 0.5)))), Predictor::SmallModel);
        assert_eq!(of(predicted(Some(small_model(1.0, 0.5)))), Predictor::Both);
        assert_eq!(of(predicted(None)), Predictor::Cnn);
    }
}
