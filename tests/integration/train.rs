//! `varpix train` in small.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{Outcome, World, testdata, text, varpix};

/// Trains on `reads` sets of the test data, with one truth and one BED each, and extra arguments.
fn train(world: &World, reads: usize, learned: &str, tuned: &str, extra: &[&str]) -> Outcome {
    let arguments = arguments(world, reads, learned, tuned, extra);
    varpix(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn arguments(world: &World, reads: usize, learned: &str, tuned: &str, extra: &[&str]) -> Vec<String> {
    let (reference, bam, truth) = (text(&world.reference), text(&world.reads), text(&testdata("truth.vcf.gz")));
    let out = text(&world.path("model"));
    let mut args = vec!["train", "--ref", &reference, "--truth", &truth, "--confident", learned, "--out", &out];
    args.extend(["--tune-reads", &bam, "--tune-truth", &truth, "--tune-confident", tuned, "--reads"]);
    args.extend(vec![bam.as_str(); reads]);
    args.extend(extra);
    args.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_model_is_learned_and_can_be_used() {
    let world = World::new();
    let learned = text(&world.write("some.bed", b"chrA\t300\t15000\n"));
    let tuned = text(&world.write("tune.bed", b"chrB\t300\t10000\n"));
    let small = ["--epochs", "2", "--pool", "64", "--batch", "8", "--evaluations", "1", "--device", "cpu"];
    train(&world, 1, &learned, &tuned, &small).succeeds();
    let weights = std::fs::read(world.path("model/weights.safetensors")).unwrap();
    let log = std::fs::read_to_string(world.path("model/training.csv")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(",tune,")).count(), 2, "{log}");
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
    // The seed alone decides.
    train(&world, 1, &learned, &tuned, &small).succeeds();
    assert_eq!(std::fs::read(world.path("model/weights.safetensors")).unwrap(), weights);
    // So does it for the small model, and with that alone.
    let fast = std::fs::read(world.path("model/small_model.json")).unwrap();
    let again = [&small[..], &["--learn", "small-model"]].concat();
    train(&world, 1, &learned, &tuned, &again).succeeds();
    assert_eq!(std::fs::read(world.path("model/small_model.json")).unwrap(), fast);
}

#[test]
fn a_model_can_go_on_from_another_on_smaller_images() {
    let world = World::new();
    let bed = text(&world.write("some.bed", b"chrA\t300\t9000\n"));
    let first = text(&crate::world::model());
    let small = ["--from", &first, "--image-height", "40", "--image-width", "99", "--epochs", "1", "--pool", "16"];
    train(&world, 1, &bed, &bed, &[&small[..], &["--batch", "4", "--evaluations", "1", "--device", "cpu"]].concat())
        .succeeds();
    let config = std::fs::read_to_string(world.path("model/model.json")).unwrap();
    assert!(config.contains("\"height\": 40") && config.contains("\"width\": 99"), "{config}");
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
    train(&world, 1, &bed, &bed, &["--image-width", "100"]).fails(2, &["width 100", "odd"]);
    train(&world, 1, &bed, &bed, &["--from", "nowhere"]).fails(3, &["nowhere"]);
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights() {
    let learned = |world: &World| text(&world.write("some.bed", b"chrA\t300\t25000\n"));
    let tuned = |world: &World| text(&world.write("tune.bed", b"chrB\t300\t6000\n"));
    let small = [
        "--epochs",
        "1",
        "--pool",
        "16",
        "--batch",
        "4",
        "--checkpoint-interval",
        "3",
        "--evaluations",
        "2",
        "--device",
        "cpu",
    ];
    let (whole, broken) = (World::new(), World::new());
    train(&whole, 1, &learned(&whole), &tuned(&whole), &small).succeeds();
    let state = broken.path("model/checkpoint/state.json");
    let arguments = arguments(&broken, 1, &learned(&broken), &tuned(&broken), &small);
    let mut command = Command::new(env!("CARGO_BIN_EXE_varpix"));
    let mut child = command.args(arguments).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(5);
    while !state.exists() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "no checkpoint was seen");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Other settings are not mixed with it.
    train(&broken, 1, &learned(&broken), &tuned(&broken), &["--seed", "9"]).fails(3, &["checkpoint", "other settings"]);
    let again = train(&broken, 1, &learned(&broken), &tuned(&broken), &small).succeeds();
    assert!(again.stderr.contains("taken up again"), "{}", again.stderr);
    let file = |world: &World, name: &str| std::fs::read(world.path(name)).unwrap();
    assert_eq!(file(&whole, "model/weights.safetensors"), file(&broken, "model/weights.safetensors"));
    assert_eq!(file(&whole, "model/training.csv"), file(&broken, "model/training.csv"));
    assert_eq!(file(&whole, "model/small_model.json"), file(&broken, "model/small_model.json"));
    assert!(!broken.path("model/checkpoint").exists());
}

#[test]
fn as_many_truths_as_reads() {
    let world = World::new();
    let bed = text(&testdata("confident.bed"));
    train(&world, 2, &bed, &bed, &[]).fails(2, &["--reads", "2, 1 and 1"]);
}

#[test]
fn numbers_that_are_none_are_refused() {
    let world = World::new();
    let bed = text(&testdata("confident.bed"));
    for flag in
        ["--learning-rate", "--weight-decay", "--label-smoothing", "--balance", "--pool", "--tune-images", "--threads"]
    {
        for value in ["nan", "inf", "-1"] {
            let outcome = train(&world, 1, &bed, &bed, &[&format!("{flag}={value}")]);
            assert!(outcome.code == 2 && outcome.stderr.contains("expected a"), "{flag} {value}: {}", outcome.stderr);
        }
    }
    assert!(!world.path("model").exists());
}

#[test]
fn another_genomes_truth_is_refused() {
    let world = World::new();
    let bed = text(&world.write("some.bed", b"chrA\t300\t9000\n"));
    let truth = crate::world::tool("bcftools", &["view", &text(&testdata("truth.vcf.gz"))]);
    let moved: String = truth
        .lines()
        .map(|line| {
            let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            if !line.starts_with('#') {
                columns[1] = (columns[1].parse::<u64>().unwrap() + 1).to_string();
            }
            columns.join("\t") + "\n"
        })
        .collect();
    let moved = text(&world.write("moved.vcf", moved.as_bytes()));
    let (reference, reads, out) = (text(&world.reference), text(&world.reads), text(&world.path("model")));
    let mut args = vec!["train", "--ref", &reference, "--reads", &reads, "--truth", &moved, "--confident", &bed];
    args.extend(["--tune-reads", &reads, "--tune-truth", &moved, "--tune-confident", &bed, "--out", &out]);
    varpix(&args).fails(3, &["moved.vcf", "of another genome"]);
    assert!(!world.path("model").exists());
}
