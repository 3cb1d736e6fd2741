//! `varpix train` in small.

use crate::world::{World, testdata, text, varpix};

#[test]
fn a_model_is_learned_and_can_be_used() {
    let world = World::new();
    let bed = text(&world.write("some.bed", b"chrA\t300\t15000\n"));
    let tune = text(&world.write("tune.bed", b"chrB\t300\t10000\n"));
    let (reference, reads, truth) = (text(&world.reference), text(&world.reads), text(&testdata("truth.vcf.gz")));
    let out = text(&world.path("model"));
    let train = |epochs: &str| {
        varpix(&[
            "train",
            "--ref",
            &reference,
            "--reads",
            &reads,
            "--truth",
            &truth,
            "--confident",
            &bed,
            "--tune-reads",
            &reads,
            "--tune-truth",
            &truth,
            "--tune-confident",
            &tune,
            "--out",
            &out,
            "--epochs",
            epochs,
            "--pool",
            "64",
            "--batch",
            "8",
            "--device",
            "cpu",
        ])
    };
    train("2").succeeds();
    let weights = std::fs::read(world.path("model/weights.safetensors")).unwrap();
    let log = std::fs::read_to_string(world.path("model/training.csv")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(",tune,")).count(), 2, "{log}");
    world.call(&["--model", &out]).succeeds();
    // The seed alone decides.
    train("2").succeeds();
    assert_eq!(std::fs::read(world.path("model/weights.safetensors")).unwrap(), weights);
}

#[test]
fn as_many_truths_as_reads() {
    let world = World::new();
    let (reference, reads, truth) = (text(&world.reference), text(&world.reads), text(&testdata("truth.vcf.gz")));
    let bed = text(&testdata("confident.bed"));
    varpix(&[
        "train",
        "--ref",
        &reference,
        "--reads",
        &reads,
        &reads,
        "--truth",
        &truth,
        "--confident",
        &bed,
        "--tune-reads",
        &reads,
        "--tune-truth",
        &truth,
        "--tune-confident",
        &bed,
        "--out",
        "unused",
    ])
    .fails(2, &["--reads", "2, 1 and 1"]);
}
