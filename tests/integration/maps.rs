//! What the maps of `varpix explain` owe to what the network has learned: `scripts/eval check-saliency` on a few sites.

use tch::Device;
use varpix::evidence::Gatherer;
use varpix::inputs::Inputs;
use varpix::model::Model;
use varpix::pileup::{AltSet, PileupImage, REFERENCE_ROWS};
use varpix::predict::cnn::torch::{Precision, TorchClassifier};
use varpix::predict::cnn::{Batch, Classifier as _};
use varpix::predict::small::Features;
use varpix::predict::{Decider, Decision, decide};
use varpix::reads::BamSource;

use self::compared::{MAPS, gradient, held, of_ranks, ranked_maps, shuffled, without};
use crate::world::{model, testdata};

#[path = "../../benches/maps/mod.rs"]
#[allow(dead_code, reason = "the example needs more")]
mod compared;

const SITES: usize = 6;
const NETWORKS: u64 = 3;
/// Het, against hom-ref.
const WEIGHTS: [f32; 3] = [-1.0, 1.0, 0.0];

/// Images of candidates that the network calls het, with their features.
fn images(model: &Model, network: &mut TorchClassifier) -> Vec<(PileupImage, Option<Features>)> {
    let regions = ["chrA:1-60000".to_owned()];
    let inputs = Inputs::open(&testdata("ref.fa"), &[testdata("reads.bam")], &regions).unwrap();
    let (contigs, evidence) = (inputs.reference().contigs(), model.config.evidence);
    let decider = Decider::surveyed(None, network, &inputs, evidence).unwrap();
    let source = BamSource::open(inputs.reads(), contigs, evidence.reads()).unwrap();
    let spec = model.config.image.clone();
    let mut gatherer = Gatherer::new(Box::new(source), inputs.reference().open().unwrap(), evidence, spec.clone());
    let mut images = Vec::new();
    for region in &inputs.targets().regions(evidence.region_size) {
        let found = gatherer.gather(region).unwrap();
        for candidate in found.candidates.iter().filter(|candidate| candidate.alts.len() == 1) {
            let set = AltSet::One(0);
            let [(_, Decision::NeedsImage(undecided))] = decide(candidate, &found, &decider)[..] else { continue };
            let features = undecided.image_features(candidate, set, &found, &decider);
            let image = found.render(&spec, candidate, set);
            let mut batch = Batch::new(spec.shape());
            batch.push(&image, features.as_ref()).unwrap();
            if network.classify(&batch).unwrap()[0].het() > 0.9 {
                images.push((image, features));
            }
            if images.len() == SITES {
                return images;
            }
        }
    }
    panic!("{} candidates are called het", images.len());
}

#[test]
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn what_is_shown_depends_on_what_is_learned() {
    let model = Model::open(&model()).unwrap();
    let mut trained = TorchClassifier::load(&model, Device::Cpu, Precision::F32, 1).unwrap();
    let mut others: Vec<_> = (1..=NETWORKS).map(|seed| shuffled(&model, seed, None).unwrap()).collect();
    let (mut apart, mut same, mut chance) = ([0.0; MAPS.len()], [0.0; MAPS.len()], [0.0; MAPS.len()]);
    for (image, features) in images(&model, &mut trained) {
        let rows = REFERENCE_ROWS..image.shape().height;
        let held_rows = rows.filter(|&row| image.row(row).iter().any(|&value| value > 0)).skip(1);
        let pixels = held(&image, held_rows);
        let own = gradient(&mut trained, &image, features.as_ref(), WEIGHTS).unwrap();
        let own = ranked_maps(&image, &own, &pixels);
        let fewer = without(&image, &[REFERENCE_ROWS]).unwrap();
        let of_fewer = gradient(&mut trained, &fewer, features.as_ref(), WEIGHTS).unwrap();
        let of_fewer = ranked_maps(&fewer, &of_fewer, &pixels);
        for i in 0..MAPS.len() {
            same[i] += of_ranks(&own[i], &of_fewer[i]) / SITES as f64;
            // The size of a correlation of maps that have nothing to do with each other.
            chance[i] += (2.0 / std::f64::consts::PI / (own[i].len() as f64 - 1.0)).sqrt() / SITES as f64;
        }
        for network in &mut others {
            let theirs = gradient(network, &image, features.as_ref(), WEIGHTS).unwrap();
            let theirs = ranked_maps(&image, &theirs, &pixels);
            for i in 0..MAPS.len() {
                apart[i] += of_ranks(&own[i], &theirs[i]).abs() / (SITES as f64 * NETWORKS as f64);
            }
        }
    }
    for (i, name) in MAPS.into_iter().enumerate() {
        println!(
            "{name}: {:.2} with the same weights, {:.2} with others, {:.2} by chance",
            same[i], apart[i], chance[i]
        );
        assert!(same[i] > 0.6, "{name}: {same:?}");
        match name {
            "pixels" | "reads" | "columns" | "channels" => assert!(apart[i] - chance[i] < 0.2, "{name}: {apart:?}"),
            // Where the image has bases and which columns the network reads is the same whatever it has learned: these are not shown.
            "size" | "size_by_value" | "size_of_columns" | "saliency" => assert!(apart[i] > 0.4, "{name}: {apart:?}"),
            _ => (),
        }
    }
}
