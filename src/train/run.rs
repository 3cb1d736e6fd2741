//! Data sets and options -> a model's folder: the CNN, then the small model, as far as each is asked for.

use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::checksums::SMALL_MODEL;
use crate::train::calibrate::best_temperature;
use crate::train::cnn::evaluate::{confusion, outputs, probabilities};
use crate::train::cnn::net::Net;
use crate::train::cnn::trainer::Trainer;
use crate::train::confusion::Confusion;
use crate::train::examples::{Example, ExampleOptions, examples, jobs};
use crate::train::options::{Learn, TrainOptions};
use crate::train::sets::Sets;
use crate::train::small::{self, Judged, Training};

/// Trains a model and writes its folder; returns the confusion of the tune images under the CNN that is kept.
///
/// # Errors
/// [`Error::Input`] for unreadable data or another run's checkpoint, [`Error::Output`] where the folder cannot be written,
/// [`Error::Internal`] where libtorch fails or training diverges.
pub fn train(sets: &Sets, options: &TrainOptions, learn: Learn) -> Result<Confusion> {
    if !matches!(learn, Learn::All | Learn::Network) {
        return finish(sets, &tune_examples(sets, options)?, options, learn);
    }
    let mut trainer = Trainer::new(sets, options)?;
    let tune = tune_examples(sets, options)?;
    log::info!("{} tune images", tune.len());
    trainer.run(&tune)?;
    let confusion = finish(sets, &tune, options, learn)?;
    // Until here a killed run resumes without training the CNN again.
    trainer.checkpoint.remove()?;
    Ok(confusion)
}

/// What follows the CNN's training: its temperature, and the small model where it is asked for.
fn finish(sets: &Sets, tune: &[Example], options: &TrainOptions, learn: Learn) -> Result<Confusion> {
    let model = Model::open(&options.out)?;
    let mut net = Net::new(options)?;
    net.load(&model, options)?;
    let outputs = outputs(options, net.network.as_ref(), tune)?;
    let temperature = best_temperature(&outputs.logits, &outputs.classes);
    log::info!("temperature {temperature:.3}");
    let mut config = model.config;
    config.temperature = (temperature * 1000.0).round() / 1000.0;
    if matches!(learn, Learn::All | Learn::SmallModel) {
        let by_image = probabilities(&outputs.logits, config.temperature)?;
        let judged = |(example, by_image): (&Example, _)| {
            let features = example.features.filter(|_| example.biallelic)?;
            Some(Judged { features, class: example.class, by_image })
        };
        let judged: Vec<Judged> = tune.iter().zip(by_image).filter_map(judged).collect();
        let training = Training {
            sets: &sets.train,
            examples: options.examples(None),
            augment: options.augment,
            seed: options.seed,
            threads: options.threads,
        };
        let learned = small::learn(&training, &judged)?;
        learned.network.write(&options.out.join(SMALL_MODEL))?;
        config.small_model = Some(learned.options);
    }
    Model::write(&config, &options.out)?;
    confusion(&outputs.logits, tune)
}

fn tune_examples(sets: &Sets, options: &TrainOptions) -> Result<Vec<Example>> {
    let mut kept = Vec::new();
    let made = ExampleOptions { features: true, ..options.examples(None) };
    examples(&sets.tune, &jobs(&sets.tune, options.evidence.region_size, options.seed), &made, |example| {
        kept.push(example);
        kept.len() < options.tune_images
    })?;
    if kept.is_empty() {
        let problem = "its tune sets give no image; do reads with variants cover their confident regions?";
        return Err(Error::input(sets.manifest.path(), problem));
    }
    Ok(kept)
}
