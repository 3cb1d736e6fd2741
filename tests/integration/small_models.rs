//! Models with a small model of DeepVariant's: a stand-in folder with the committed model's CNN and a network that looks at the share of the
//! alternative allele alone, so that what it must say follows from AD and DP.

use std::fs;
use std::path::{Path, PathBuf};

use varpix::model::{ImportedSmallModelOptions, Model};
use varpix::predict::imported::dense::{Activation, DenseLayer, DenseNetwork};
use varpix::predict::imported::layout::Layout;

use crate::world::{Outcome, World, model, text, tool};

const FILE: &str = "deepvariant_small_model.safetensors";

/// Logits `30 - share`, `0` and `share - 80`, so that it is sure of hom-ref under 25 %, of het from 35 to 75 %, and of hom-alt from 85 % on.
fn by_share(layout: Layout) -> DenseNetwork {
    let share = if layout.is_of_1_8() { 3 } else { 4 };
    let mut weights = vec![0.0; layout.inputs() * 3];
    (weights[share * 3], weights[share * 3 + 2]) = (-1.0, 1.0);
    let bias = vec![30.0, 0.0, -80.0];
    DenseNetwork::new(vec![DenseLayer { weights, bias, activation: Activation::Softmax }]).unwrap()
}

/// A model's folder with such a small model.
fn folder(world: &World, layout: Layout) -> PathBuf {
    let folder = world.path("stand-in");
    fs::create_dir(&folder).unwrap();
    fs::copy(model().join("weights.safetensors"), folder.join("weights.safetensors")).unwrap();
    fs::write(folder.join(FILE), by_share(layout).to_bytes().unwrap()).unwrap();
    let mut config = Model::open(&model()).unwrap().config;
    config.name = "stand-in".into();
    config.small_model = None;
    config.evidence.allele_context = true;
    config.evidence.track_reference_reads = layout.needs_reference_reads();
    config.imported_small_model =
        Some(ImportedSmallModelOptions { min_gq_snps: 20.0, min_gq_indels: 20.0, multi_allelic: true });
    Model::write(&config, &folder).unwrap();
    folder
}

fn call(world: &World, model: &Path, extra: &[&str]) -> Outcome {
    let model = text(model);
    let arguments =
        [&["--model", &model, "--regions", "chrA:1-60000", "--device", "cpu", "--model-id"], extra].concat();
    world.call(&arguments).succeeds()
}

/// Of each call: alternative alleles, GT, DP, AD and MID.
fn calls(vcf: &Path) -> Vec<(usize, String, f64, Vec<f64>, String)> {
    let table = tool("bcftools", &["query", "-f", "%ALT\t[%GT\t%DP\t%AD\t%MID]\n", &text(vcf)]);
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let depths = columns[3].split(',').map(|n| n.parse().unwrap()).collect();
        (columns[0].split(',').count(), columns[1].into(), columns[2].parse().unwrap(), depths, columns[4].into())
    };
    table.lines().map(row).collect()
}

#[test]
fn it_decides_what_it_is_sure_of_and_the_cnn_the_rest() {
    for layout in [Layout::Short1_8, Layout::Short1_9] {
        let world = World::new();
        let model = folder(&world, layout);
        let outcome = call(&world, &model, &["--emit-ref-calls"]);
        let decided = outcome.row("decided without an image");
        let calls = calls(&world.vcf);
        let by = |name: &str| calls.iter().filter(|call| call.4 == name).count();
        assert!(by("small_model") > 50 && by("deepvariant") > 0, "{} and {}", by("small_model"), by("deepvariant"));
        assert_eq!(by("small_model") + by("deepvariant"), calls.len());
        let mut several = 0;
        for (alts, genotype, depth, depths, model) in &calls {
            if *alts > 1 {
                several += 1;
                assert!(model == "deepvariant" || !layout.is_of_1_8(), "{genotype} by {model}");
                continue;
            }
            // Rounded down, as it sees it.
            let share = (100.0 * depths[1] / depth).floor();
            let wanted = match share {
                0.0..25.0 => Some("0/0"),
                36.0..=75.0 => Some("0/1"),
                86.0..=100.0 => Some("1/1"),
                _ => None,
            };
            // Sites of several candidate alleles may be left with one; what overlaps may change a genotype.
            if let (Some(wanted), "small_model") = (wanted, model.as_str()) {
                assert_eq!(genotype, wanted, "{depths:?} of {depth}");
            }
        }
        assert!(several > 0 && decided >= by("small_model") as u64);
        let without = World::new();
        let said = call(&without, &model, &["--no-small-model"]);
        assert_eq!(said.row("decided without an image"), 0);
        assert!(self::calls(&without.vcf).iter().all(|call| call.4 == "deepvariant"));
    }
}

#[test]
fn calls_do_not_depend_on_threads() {
    let bytes = |threads: &str| {
        let world = World::new();
        let model = folder(&world, Layout::Short1_9);
        let gvcf = world.path("out.g.vcf.gz");
        call(&world, &model, &["--threads", threads, "--output-gvcf", &text(&gvcf)]);
        let header = tool("bcftools", &["view", "-h", &text(&gvcf)]);
        assert!(header.contains("ID=MID"), "{header}");
        [world.vcf, gvcf].map(|path| tool("bcftools", &["view", "-H", &text(&path)]))
    };
    assert_eq!(bytes("1"), bytes("3"));
}

#[test]
fn limits_are_flags_of_the_wrapper() {
    let world = World::new();
    let model = folder(&world, Layout::Short1_9);
    let decided = |extra: &[&str]| call(&world, &model, extra).row("decided without an image");
    let all = decided(&[]);
    let indels = decided(&["--small_model_snp_gq_threshold=100"]);
    assert!(indels > 0 && indels < all, "{indels} of {all}");
    assert_eq!(decided(&["--small_model_snp_gq_threshold=100", "--small_model_indel_gq_threshold=100"]), 0);
    assert_eq!(decided(&["--disable_small_model"]), 0);
    let without = World::new();
    without
        .call(&["--small_model_snp_gq_threshold=20"])
        .fails(2, &["--small-model-snp-gq-threshold", "wgs", "leave the flag out"]);
}

#[test]
fn limits_may_be_flags_of_a_stage() {
    let world = World::new();
    let model = folder(&world, Layout::Short1_9);
    let decided = |stage: &str, extra: &[&str]| {
        let stage = format!("--make_examples_extra_args={stage}");
        call(&world, &model, &[&[stage.as_str()], extra].concat()).row("decided without an image")
    };
    let all = decided("", &[]);
    let indels = decided("small_model_snp_gq_threshold=100", &[]);
    let snps = decided("small_model_indel_gq_threshold=-1,small_model_vaf_context_window_size=51", &[]);
    assert!(indels > 0 && snps > indels && indels + snps == all, "{indels} and {snps} of {all}");
    // They win over the option, as they do in DeepVariant.
    assert_eq!(decided("small_model_snp_gq_threshold=100", &["--small_model_snp_gq_threshold=0"]), indels);
    assert_eq!(decided("call_small_model_examples=false,small_model_snp_gq_threshold=0", &[]), 0);
}

#[test]
fn sites_of_several_alleles_may_be_left_to_the_cnn() {
    let several = |of: Layout, stage: &str| {
        let world = World::new();
        let model = folder(&world, of);
        let outcome = call(&world, &model, &["--emit-ref-calls", &format!("--make_examples_extra_args={stage}")]);
        let calls = calls(&world.vcf);
        (calls.iter().filter(|call| call.0 > 1 && call.4 == "small_model").count(), outcome.stderr)
    };
    let (small, stderr) = several(Layout::Short1_9, "small_model_call_multiallelics=true");
    assert!(small > 0 && stderr.contains("without effect here: small_model_call_multiallelics"), "{stderr}");
    let (small, stderr) = several(Layout::Short1_9, "small_model_call_multiallelics=false");
    assert!(small == 0 && stderr.contains("small_model_call_multiallelics=false; model stand-in"), "{stderr}");
    // One of 1.8 cannot.
    let world = World::new();
    let model = folder(&world, Layout::Short1_8);
    let on = "--make_examples_extra_args=small_model_call_multiallelics=true";
    let words = ["--make-examples-extra-args: small_model_call_multiallelics=true", "leave the flag out"];
    world.call(&["--model", &text(&model), on]).fails(2, &words);
    // Varpix's own speaks beside the CNN.
    let called = || tool("bcftools", &["view", "-H", &text(&world.vcf)]);
    let stderr = world.call(&["--emit-ref-calls", on]).succeeds().stderr;
    assert!(stderr.contains("without effect here: small_model_call_multiallelics"), "{stderr}");
    let with = called();
    let stderr = world.call(&["--emit-ref-calls", &on.replace("true", "false")]).succeeds().stderr;
    assert!(stderr.contains("small_model_call_multiallelics=false; model wgs"), "{stderr}");
    assert_ne!(called(), with, "the CNN alone is less sure");
}

#[test]
fn what_is_asked_for_is_left_to_the_cnn() {
    let world = World::new();
    let model = folder(&world, Layout::Short1_9);
    let sites = text(&crate::world::testdata("truth.vcf.gz"));
    let (reference, reads, vcf) = (text(&world.reference), text(&world.reads), text(&world.vcf));
    let outcome = crate::world::varpix(&[
        "call",
        "--ref",
        &reference,
        "--reads",
        &reads,
        "--output-vcf",
        &vcf,
        "--model",
        &text(&model),
        "--genotype-sites",
        &sites,
        "--regions",
        "chrA:1-30000",
        "--model-id",
        "--device",
        "cpu",
    ])
    .succeeds();
    assert_eq!(outcome.row("decided without an image"), 0);
    assert!(calls(&world.vcf).iter().all(|call| call.4 == "deepvariant"));
}

#[test]
fn it_is_explained() {
    let world = World::new();
    let model = folder(&world, Layout::Short1_9);
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let told = crate::world::varpix(&[
        "explain",
        "--ref",
        &reference,
        "--reads",
        &reads,
        "--model",
        &text(&model),
        "--regions",
        "chrA:1-20000",
        "--json",
    ])
    .succeeds()
    .stdout;
    let stories = told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let verdicts: Vec<String> =
        stories.filter_map(|story| Some(story["small_model"]["verdict"].as_str()?.to_owned())).collect();
    let count = |word: &str| verdicts.iter().filter(|verdict| verdict.contains(word)).count();
    assert!(count("decides alone") > 0 && count("it is not sure enough") > 0, "{verdicts:?}");
}

#[test]
fn damage_and_misfits_are_refused() {
    let refused = |change: &dyn Fn(&Path), words: &[&str]| {
        let world = World::new();
        let model = folder(&world, Layout::Short1_9);
        change(&model);
        world.call(&["--model", &text(&model)]).fails(3, words);
        assert_eq!(world.outputs(), Vec::<String>::new());
    };
    refused(&|model| fs::remove_file(model.join(FILE)).unwrap(), &[FILE]);
    let flip = |model: &Path| {
        let mut bytes = fs::read(model.join(FILE)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(model.join(FILE), bytes).unwrap();
    };
    refused(&flip, &[FILE, "SHA-256", "copy the model again"]);
    let settings = |model: &Path, section: &str, name: &str, value: serde_json::Value| {
        let path = model.join("model.json");
        let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        json[section][name] = value;
        fs::write(&path, json.to_string()).unwrap();
    };
    let without = |model: &Path| settings(model, "evidence", "track_reference_reads", false.into());
    refused(&without, &[FILE, "track_reference_reads", "import the model again"]);
    let limit = |model: &Path| settings(model, "deepvariant_small_model", "min_gq_snps", (-1.0).into());
    refused(&limit, &["model.json", "min_gq_snps"]);
    // Of long reads, in a model whose reads are not phased.
    let long = |model: &Path| {
        fs::write(model.join(FILE), by_share(Layout::Long1_9).to_bytes().unwrap()).unwrap();
        let config = Model::open(model).unwrap().config;
        Model::write(&config, model).unwrap();
    };
    refused(&long, &[FILE, "106 inputs", "not phased"]);
}

#[test]
fn a_small_model_may_be_given_beside_the_model() {
    let keras = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras");
    let given = format!("--customized_small_model={}", text(&keras.join("keras3.keras")));
    let world = World::new();
    let model = folder(&world, Layout::Short1_9);
    let limits = ["--small_model_snp_gq_threshold=0", "--small_model_indel_gq_threshold=0"];
    let outcome = call(&world, &model, &[&given, limits[0], limits[1]]);
    assert_eq!(outcome.row("decided without an image"), outcome.row("candidates"));
    let images = outcome.stderr.lines().find(|line| line.starts_with("varpix: images ")).unwrap();
    assert!(images.contains(" 0  in 0 batches"), "{images}");
    // Not with a small model of varpix's own, nor without limits.
    world.call(&[&given]).fails(2, &["--customized-small-model", "small model of its own", "leave the flag out"]);
    let path = model.join("model.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("deepvariant_small_model");
    json["checksums"].as_object_mut().unwrap().remove(FILE);
    json["evidence"].as_object_mut().unwrap().remove("allele_context");
    fs::write(&path, json.to_string()).unwrap();
    world
        .call(&["--model", &text(&model), &given])
        .fails(2, &["--customized-small-model", "--small-model-snp-gq-threshold"]);
    call(&world, &model, &[&given, limits[0], limits[1]]);
    assert!(calls(&world.vcf).iter().all(|call| call.4 == "small_model"));
    // As a flag of a stage, which is named as it was given.
    let stage = format!("--make_examples_extra_args=trained_small_model_path={}", text(&keras.join("keras3.keras")));
    world
        .call(&["--model", &text(&model), &stage])
        .fails(2, &["--make-examples-extra-args: trained_small_model_path", "--small-model-snp-gq-threshold"]);
    let limits_of_stage = ",small_model_snp_gq_threshold=0,small_model_indel_gq_threshold=0";
    call(&world, &model, &[&format!("{stage}{limits_of_stage}")]);
    assert!(calls(&world.vcf).iter().all(|call| call.4 == "small_model"));
    // Of two archives in a folder one must be named.
    let folder = format!("--customized_small_model={}", text(&keras));
    let arguments = ["--model", &text(&model), &folder, limits[0], limits[1]];
    world.call(&arguments).fails(3, &["tests/keras", "holds 2 Keras archives"]);
}
