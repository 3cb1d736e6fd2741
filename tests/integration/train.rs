//! `varpix train` in small.

use crate::world::{Outcome, World, testdata, text, varpix};

/// Trains on `reads` sets of the test data, with one truth and one BED each, and extra arguments.
fn train(world: &World, reads: usize, learned: &str, tuned: &str, extra: &[&str]) -> Outcome {
    let (reference, bam, truth) = (text(&world.reference), text(&world.reads), text(&testdata("truth.vcf.gz")));
    let out = text(&world.path("model"));
    let mut args = vec!["train", "--ref", &reference, "--truth", &truth, "--confident", learned, "--out", &out];
    args.extend(["--tune-reads", &bam, "--tune-truth", &truth, "--tune-confident", tuned, "--reads"]);
    args.extend(vec![bam.as_str(); reads]);
    args.extend(extra);
    varpix(&args)
}

#[test]
fn a_model_is_learned_and_can_be_used() {
    let world = World::new();
    let learned = text(&world.write("some.bed", b"chrA\t300\t15000\n"));
    let tuned = text(&world.write("tune.bed", b"chrB\t300\t10000\n"));
    let small = ["--epochs", "2", "--pool", "64", "--batch", "8", "--device", "cpu"];
    train(&world, 1, &learned, &tuned, &small).succeeds();
    let weights = std::fs::read(world.path("model/weights.safetensors")).unwrap();
    let log = std::fs::read_to_string(world.path("model/training.csv")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(",tune,")).count(), 2, "{log}");
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
    // The seed alone decides.
    train(&world, 1, &learned, &tuned, &small).succeeds();
    assert_eq!(std::fs::read(world.path("model/weights.safetensors")).unwrap(), weights);
}

#[test]
fn as_many_truths_as_reads() {
    let world = World::new();
    let bed = text(&testdata("confident.bed"));
    train(&world, 2, &bed, &bed, &[]).fails(2, &["--reads", "2, 1 and 1"]);
}
