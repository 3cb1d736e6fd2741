//! `varpix train` in small.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{Outcome, World, testdata, text, tool, varpix};

/// A set of a manifest: its reads, confident regions, weight and role.
type Line<'a> = (&'a str, &'a str, &'a str, &'a str);

const HEADER: &str = "reads\treference\ttruth\tconfident\tweight\trole";
/// Most of a contig to learn from, part of another to tune on.
const SETS: [Line; 2] = [("reads.bam", "learned.bed", "1", "train"), ("reads.bam", "tuned.bed", "1", "tune")];
/// A short run.
const SHORT: [&str; 8] = ["--epochs", "1", "--shuffle-buffer", "16", "--batch", "4", "--evaluations", "1"];

/// A world with regions to learn from and to tune on, and a manifest of these sets.
fn world(learned: &str, tuned: &str, sets: &[Line]) -> World {
    let world = World::new();
    world.write("learned.bed", learned.as_bytes());
    world.write("tuned.bed", tuned.as_bytes());
    write_manifest(&world, sets);
    world
}

/// Writes `sets.tsv`, in which paths are relative to its folder but for the truth's.
fn write_manifest(world: &World, sets: &[Line]) {
    let truth = text(&testdata("truth.vcf.gz"));
    let lines =
        sets.iter().map(|(reads, bed, weight, role)| format!("{reads}\tref.fa\t{truth}\t{bed}\t{weight}\t{role}\n"));
    let lines: String = lines.collect();
    world.write("sets.tsv", format!("# test data\n{HEADER}\n{lines}").as_bytes());
}

fn arguments(world: &World, extra: &[&str]) -> Vec<String> {
    let (data, out) = (text(&world.path("sets.tsv")), text(&world.path("model")));
    let fixed = ["train", "--data", &data, "--out", &out, "--device", "cpu"];
    fixed.iter().chain(extra).map(|&arg| arg.to_owned()).collect()
}

fn train(world: &World, extra: &[&str]) -> Outcome {
    varpix(&arguments(world, extra).iter().map(String::as_str).collect::<Vec<_>>())
}

fn file(world: &World, name: &str) -> Vec<u8> {
    fs::read(world.path(name)).unwrap()
}

/// The images that the kept weights have learned from.
fn kept_images(world: &World) -> u64 {
    let config: serde_json::Value = serde_json::from_slice(&file(world, "model/model.json")).unwrap();
    config["training"]["kept_images"].as_u64().unwrap()
}

#[test]
fn a_model_is_learned_and_can_be_used() {
    let world = world("chrA\t300\t15000\n", "chrB\t300\t10000\n", &SETS);
    let small = ["--epochs", "2", "--shuffle-buffer", "64", "--batch", "8", "--evaluations", "1"];
    train(&world, &small).succeeds();
    let weights = file(&world, "model/weights.safetensors");
    let log = String::from_utf8(file(&world, "model/training.csv")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(",tune,")).count(), 2, "{log}");
    let config: serde_json::Value = serde_json::from_slice(&file(&world, "model/model.json")).unwrap();
    assert_eq!(config["training"]["data"][1]["confident"], "tuned.bed");
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
    // The seed alone decides.
    train(&world, &small).succeeds();
    assert_eq!(file(&world, "model/weights.safetensors"), weights);
    // So it does for the small model, also where that alone is learned.
    let small_model = file(&world, "model/small_model.json");
    train(&world, &[&small[..], &["--learn", "small-model"]].concat()).succeeds();
    assert_eq!(file(&world, "model/small_model.json"), small_model);
}

#[test]
fn the_network_learns_from_few_of_what_the_small_model_knows() {
    let world = world("chrA\t300\t25000\n", "chrB\t300\t6000\n", &SETS);
    let short = [&SHORT[..], &["--no-augment"]].concat();
    let network = [&short[..], &["--learn", "network"]].concat();
    train(&world, &network).succeeds();
    let all = kept_images(&world);
    fs::remove_dir_all(world.path("model")).unwrap();
    let said = train(&world, &[&short[..], &["--learn", "small-model"]].concat()).succeeds().stderr;
    assert!(said.contains("there is no CNN yet") && !world.path("model/model.json").exists(), "{said}");
    train(&world, &network).succeeds();
    let few = kept_images(&world);
    assert!(few < all, "{few} of {all} images");
    let config: serde_json::Value = serde_json::from_slice(&file(&world, "model/model.json")).unwrap();
    assert!(config["small_model"]["temperature"].as_f64().unwrap() > 0.0);
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
}

#[test]
fn a_model_can_start_from_another_on_smaller_images() {
    let world = world("chrA\t300\t9000\n", "chrA\t9000\t15000\n", &SETS);
    let first = text(&crate::world::model());
    let small = ["--from", &first, "--image-height", "40", "--image-width", "99"];
    train(&world, &[&small[..], &SHORT].concat()).succeeds();
    let config = String::from_utf8(file(&world, "model/model.json")).unwrap();
    assert!(config.contains("\"height\": 40") && config.contains("\"width\": 99"), "{config}");
    world.call(&["--model", &text(&world.path("model"))]).succeeds();
    train(&world, &["--image-width", "100"]).fails(2, &["width 100", "odd"]);
    train(&world, &["--from", "nowhere"]).fails(3, &["nowhere"]);
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let new = || world("chrA\t300\t25000\n", "chrB\t300\t6000\n", &SETS);
    let small = [&SHORT[..6], &["--checkpoint-interval", "3", "--evaluations", "2"]].concat();
    let (whole, broken) = (new(), new());
    train(&whole, &small).succeeds();
    let state = broken.path("model/checkpoint/state.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_varpix"));
    let mut child = command.args(arguments(&broken, &small)).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(5);
    while !state.exists() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "no checkpoint was seen");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Neither other settings nor other data are mixed with it.
    train(&broken, &["--seed", "9"]).fails(3, &["checkpoint", "other settings"]);
    write_manifest(&broken, &[SETS[0], SETS[1], ("reads.bam", "learned.bed", "2", "train")]);
    train(&broken, &small).fails(3, &["checkpoint", "other data"]);
    write_manifest(&broken, &SETS);
    let again = train(&broken, &small).succeeds();
    assert!(again.stderr.contains("resuming at step"), "{}", again.stderr);
    for name in ["weights.safetensors", "training.csv", "small_model.json"] {
        let name = format!("model/{name}");
        assert_eq!(file(&whole, &name), file(&broken, &name), "{name}");
    }
    assert!(!broken.path("model/checkpoint").exists());
}

#[test]
fn several_files_of_a_sample_are_one_set() {
    let (learned, tuned) = ("chrA\t300\t9000\n", "chrB\t300\t6000\n");
    let one = world(learned, tuned, &SETS);
    let two = world(learned, tuned, &[("first.bam,second.bam", "learned.bed", "1", "train"), SETS[1]]);
    let [first, second] = ["first.bam", "second.bam"].map(|name| text(&two.path(name)));
    tool("samtools", &["view", "-b", "-s", "7.5", "-o", &first, "-U", &second, &text(&two.reads)]);
    for part in [&first, &second] {
        tool("samtools", &["index", part]);
        assert!(tool("samtools", &["view", "-c", part]).trim().parse::<u64>().unwrap() > 1000);
    }
    for world in [&one, &two] {
        train(world, &[&SHORT[..], &["--learn", "network"]].concat()).succeeds();
    }
    assert_eq!(file(&one, "model/weights.safetensors"), file(&two, "model/weights.safetensors"));
}

#[test]
fn a_weight_is_how_often_regions_are_drawn() {
    let images = |weight: &str, extra: &[&str]| {
        let set = ("reads.bam", "learned.bed", weight, "train");
        let world = world("chrA\t300\t25000\n", "chrB\t300\t6000\n", &[set, SETS[1]]);
        train(&world, &[&SHORT[..], &["--learn", "network"], extra].concat()).succeeds();
        kept_images(&world)
    };
    let plain = ["--no-augment"];
    let (once, twice, half) = (images("1", &plain), images("2", &plain), images("0.5", &plain));
    // An image that is left over after the last batch is not learned from.
    assert!(once > 12 && twice.abs_diff(2 * once) <= 2, "{twice} images at weight 2, {once} at weight 1");
    assert!(half > 0 && half < once, "{half} images at weight 0.5, {once} at weight 1");
    // The second time reads are thinned to another depth, and other candidates are found.
    let [once, twice] = ["1", "2"].map(|weight| images(weight, &[]));
    assert!(twice > once && twice.abs_diff(2 * once) > 2, "{twice} augmented images at weight 2, {once} at weight 1");
}

#[test]
fn options_of_before_the_manifest_name_it() {
    let out = ["--out", "model"];
    for given in [["--reads", "a.bam"], ["--ref", "r.fa"], ["--tune-truth", "t.vcf"]] {
        varpix(&[&["train"], &given[..], &out].concat()).fails(2, &["give --data sets.tsv"]);
        varpix(&[&["train", "--data", "sets.tsv"], &given[..], &out].concat()).fails(2, &["give --data sets.tsv"]);
    }
    assert_eq!(varpix(&["train", "--out", "model"]).code, 2);
}

#[test]
fn faults_of_a_manifest_are_found_before_any_work() {
    let world = world("chrA\t300\t9000\n", "chrB\t300\t6000\n", &SETS);
    let fails = |line: Line, words: &[&str]| {
        write_manifest(&world, &[SETS[0], SETS[1], line]);
        train(&world, &[]).fails(3, &[&["sets.tsv: line 5: "], words].concat());
        assert!(!world.path("model").exists());
    };
    fails(("no.bam", "tuned.bed", "1", "train"), &["reads ", "no.bam: cannot be opened"]);
    fails(("reads.bam", "tuned.bed", "-1", "train"), &["weight '-1'"]);
    fails(("reads.bam", "tuned.bed", "1", "test"), &["role 'test'"]);
    // By another name, and in part.
    fs::hard_link(&world.reads, world.path("same.bam")).unwrap();
    world.write("wide.bed", b"chrB\t9000\t9999\nchrA\t8000\t12000\n");
    fails(("same.bam", "wide.bed", "1", "tune"), &["tunes on", "same.bam in chrA:8001-9000", "line 3 learns"]);
    write_manifest(&world, &SETS[..1]);
    train(&world, &[]).fails(3, &["sets.tsv", "no line with the role 'tune'"]);
    fs::remove_file(world.path("sets.tsv")).unwrap();
    train(&world, &[]).fails(3, &["sets.tsv", "cannot be opened"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let world = world("chrA\t300\t9000\n", "chrB\t300\t6000\n", &SETS);
    for flag in [
        "--learning-rate",
        "--weight-decay",
        "--label-smoothing",
        "--balance",
        "--shuffle-buffer",
        "--tune-images",
        "--threads",
    ] {
        for value in ["nan", "inf", "-1"] {
            let outcome = train(&world, &[&format!("{flag}={value}")]);
            assert!(outcome.code == 2 && outcome.stderr.contains("expected a"), "{flag} {value}: {}", outcome.stderr);
        }
    }
    assert!(!world.path("model").exists());
}

#[test]
fn another_genomes_truth_is_refused() {
    let world = world("chrA\t300\t9000\n", "chrB\t300\t6000\n", &SETS);
    let truth = tool("bcftools", &["view", &text(&testdata("truth.vcf.gz"))]);
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
    world.write("moved.vcf", moved.as_bytes());
    let lines =
        ["learned.bed\t1\ttrain", "tuned.bed\t1\ttune"].map(|end| format!("reads.bam\tref.fa\tmoved.vcf\t{end}\n"));
    world.write("sets.tsv", format!("{HEADER}\n{}", lines.concat()).as_bytes());
    train(&world, &[]).fails(3, &["moved.vcf", "of another genome"]);
    assert!(!world.path("model").exists());
}
