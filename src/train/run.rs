//! Data sets and options -> a model's folder: the small model, then the CNN, as far as each is asked for; then what joins them.

use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::checksums::{SMALL_MODEL, WEIGHTS};
use crate::predict::small::SmallNetwork;
use crate::train::calibrate::best_temperature;
use crate::train::cnn::checkpoint::Checkpoint;
use crate::train::cnn::evaluate::{confusion, outputs, probabilities};
use crate::train::cnn::net::Net;
use crate::train::cnn::trainer::Trainer;
use crate::train::confusion::Confusion;
use crate::train::examples::{Example, ExampleMaker, ExampleOptions, jobs};
use crate::train::options::{Learn, TrainOptions};
use crate::train::sets::Sets;
use crate::train::small::{self, Judged, Training};

/// Trains a model and writes its folder; returns the confusion of the tune images under the CNN that is kept, if there is one yet.
///
/// # Errors
/// [`Error::Input`] for unreadable data or another run's checkpoint, [`Error::Output`] where the folder cannot be written,
/// [`Error::Internal`] where libtorch fails or training diverges.
pub fn train(sets: &Sets, options: &TrainOptions, learn: Learn) -> Result<Option<Confusion>> {
    let small_model = match learn {
        // A checkpoint is of the CNN, which comes afterwards.
        Learn::All if Checkpoint::of(&options.out).exists() => kept(options)?,
        Learn::All | Learn::SmallModel => Some(small_model(sets, options)?),
        Learn::Network | Learn::Temperature => kept(options)?,
    };
    if learn == Learn::SmallModel && !options.out.join(WEIGHTS).exists() {
        log::info!("there is no CNN yet, so that limits cannot be chosen");
        return Ok(None);
    }
    if !matches!(learn, Learn::All | Learn::Network) {
        return finish(&tune_examples(sets, options)?, options, small_model.as_ref()).map(Some);
    }
    let mut trainer = Trainer::new(sets, options, small_model.as_ref())?;
    let tune = tune_examples(sets, options)?;
    log::info!("{} tune images", tune.len());
    trainer.run(&tune)?;
    let confusion = finish(&tune, options, small_model.as_ref())?;
    // Until here a killed run resumes without training the CNN again.
    trainer.checkpoint.remove()?;
    Ok(Some(confusion))
}

/// Learns the small model, and writes it.
fn small_model(sets: &Sets, options: &TrainOptions) -> Result<SmallNetwork> {
    let training = Training {
        sets: &sets.train,
        examples: options.examples(None),
        augment: options.augment,
        seed: options.seed,
        threads: options.threads,
    };
    let network = small::learn(&training)?;
    std::fs::create_dir_all(&options.out)
        .map_err(|e| Error::output(&options.out, format!("cannot be written: {e}")))?;
    network.write(&options.out.join(SMALL_MODEL))?;
    Ok(network)
}

/// The small model that is in the model's folder.
fn kept(options: &TrainOptions) -> Result<Option<SmallNetwork>> {
    let path = options.out.join(SMALL_MODEL);
    path.exists().then(|| SmallNetwork::read(&path)).transpose()
}

/// What follows the training: temperatures, and how the two models are joined where there are both.
fn finish(tune: &[Example], options: &TrainOptions, small_model: Option<&SmallNetwork>) -> Result<Confusion> {
    let model = Model::open(&options.out)?;
    let mut net = Net::new(options)?;
    net.load(&model, options)?;
    let outputs = outputs(options, net.network.as_ref(), tune)?;
    let temperature = best_temperature(&outputs.logits, &outputs.classes);
    log::info!("temperature {temperature:.3}");
    let mut config = model.config;
    config.temperature = (temperature * 1000.0).round() / 1000.0;
    config.small_model = None;
    if let Some(network) = small_model {
        let by_image = probabilities(&outputs.logits, config.temperature)?;
        let judged = |(example, by_image): (&Example, _)| {
            Some(Judged { features: example.features?, class: example.class, biallelic: example.biallelic, by_image })
        };
        let judged: Vec<Judged> = tune.iter().zip(by_image).filter_map(judged).collect();
        config.small_model = Some(small::choose(network, &judged));
    }
    Model::write(&config, &options.out)?;
    confusion(&outputs.logits, tune)
}

fn tune_examples(sets: &Sets, options: &TrainOptions) -> Result<Vec<Example>> {
    let mut kept = Vec::new();
    let made = ExampleOptions { features: true, ..options.examples(None) };
    let mut maker = ExampleMaker::new(&sets.tune, made)?;
    for job in jobs(&sets.tune, options.evidence.region_size, options.seed) {
        kept.extend(maker.examples(&job)?);
        if kept.len() >= options.tune_images {
            break;
        }
    }
    kept.truncate(options.tune_images);
    if kept.is_empty() {
        let problem = "its tune sets give no image; do reads with variants cover their confident regions?";
        return Err(Error::input(sets.manifest.path(), problem));
    }
    Ok(kept)
}
