//! docs/from-deepvariant.md says what becomes of each flag of DeepVariant's wrapper: each row is run.

use crate::world::{Outcome, World, model, text};

/// A row of the table: an example of the flag, and what it says varpix does with it.
fn rows() -> Vec<(String, String)> {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/from-deepvariant.md");
    let content = std::fs::read_to_string(document).unwrap();
    let rows: Vec<_> = content
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').replace('"', ""), cells[2].to_owned())
        })
        .collect();
    assert!(rows.len() > 30, "{} rows were found", rows.len());
    rows
}

/// Settings of DeepVariant for images as those of the committed model.
const INFO: &str = r#"{"version": "1.9.0", "shape": [64, 147, 7], "channels": [1, 2, 3, 4, 5, 6, 19]}"#;

/// Runs the smallest line of the wrapper with one more flag, or another value for one of its own.
fn run(world: &World, flag: &str) -> Outcome {
    let bed = text(&world.write("par.bed", b"chrA\t0\t1000\n"));
    let stands_for = [
        ("FASTA", text(&world.reference)),
        ("GVCF", text(&world.path("out.g.vcf.gz"))),
        ("VCF", text(&world.vcf)),
        ("BAM", text(&world.reads)),
        ("BED", bed.clone()),
        ("MODEL", text(&model())),
        ("JSON", text(&world.write("info.json", INFO.as_bytes()))),
        ("DIR", text(&world.path("folder"))),
    ];
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
    let value = value.map(|value| value.replace("=BED", &format!("={bed}"))).map(|value| {
        stands_for.iter().find(|(word, _)| *word == value).map_or(value.clone(), |(_, path)| path.clone())
    });
    let mut line: Vec<String> = [
        ("--ref", "FASTA"),
        ("--reads", "BAM"),
        ("--output_vcf", "VCF"),
        ("--model_type", "WGS"),
        ("--dry_run", "true"),
    ]
    .into_iter()
    .filter(|(own, _)| *own != name)
    .map(|(own, word)| {
        let path =
            stands_for.iter().find(|(known, _)| *known == word).map_or(word.to_owned(), |(_, path)| path.clone());
        format!("{own}={path}")
    })
    .collect();
    line.push(value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}")));
    if name == "--par_regions_bed" {
        line.push("--haploid_contigs=chrA".into());
    }
    crate::world::varpix(&line.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_flag_of_the_table_does_what_it_says() {
    let world = World::new();
    for (flag, verdict) in rows() {
        let outcome = run(&world, &flag);
        let name = flag.split('=').next().unwrap().replace('_', "-");
        let told = outcome.stderr.contains(&format!("ignored options, not needed by varpix: {name}"));
        match verdict.as_str() {
            "same" | "alias" => assert!(outcome.code == 0 && !told, "{flag}: {outcome:?}"),
            "not needed" => assert!(outcome.code == 0 && told, "{flag}: {outcome:?}"),
            "setting" => {
                let says = outcome.stderr.contains("model wgs was made with other settings");
                assert!(outcome.code == 0 && says && !outcome.stderr.contains("without effect"), "{flag}: {outcome:?}");
            }
            "no effect" => {
                let list = outcome.stderr.lines().find_map(|line| line.split_once("without effect here: "));
                let mut listed: Vec<&str> = list.map_or(Vec::new(), |(_, names)| names.split(", ").collect());
                let flags = flag.split_once('=').map_or("", |(_, value)| value).split(',');
                let mut given: Vec<&str> = flags.map(|item| item.split('=').next().unwrap()).collect();
                listed.sort_unstable();
                given.sort_unstable();
                assert!(outcome.code == 0 && listed == given, "{flag}: {outcome:?}");
            }
            "imported" => {
                let sentence = outcome.stderr.trim_end().lines().last().unwrap_or_default();
                let says_how = sentence.contains("'varpix import-deepvariant") && sentence.contains("VARPIX_MODELS");
                assert!(outcome.code == 2 && sentence.contains(&name) && says_how, "{flag}: {outcome:?}");
            }
            "refused" => {
                let sentence = outcome.stderr.trim_end().lines().last().unwrap_or_default();
                assert!(outcome.code == 2 && sentence.contains(&name), "{flag}: {outcome:?}");
                assert!(
                    sentence.contains("leave the flag out") || sentence.contains("supported types are"),
                    "no hint: {sentence}"
                );
            }
            other => panic!("{flag}: the table says '{other}'"),
        }
    }
    assert!(world.outputs().is_empty(), "a dry run wrote {:?}", world.outputs());
}

#[test]
fn aliases_arrive() {
    let world = World::new();
    let stderr = run(&world, "--sample_name=NAME").succeeds().stderr;
    assert!(stderr.contains("NAME would be called"), "{stderr}");
    run(&world, "--customized_model=DIR").fails(3, &["folder"]);
    run(&world, "--regions=chr9").fails(2, &["chr9"]);
    let stderr = run(&world, "--model_type=WES").succeeds().stderr;
    assert!(!stderr.contains("--model-type"), "{stderr}");
    run(&world, "--num_shards=0").fails(2, &[]);
}

#[test]
fn flags_of_stages_change_the_run() {
    let world = World::new();
    let wrapped = |extra: &[&str]| {
        let own = ["--dry_run=true", "--model_type=WGS"];
        let (reference, reads) =
            (format!("--ref={}", text(&world.reference)), format!("--reads={}", text(&world.reads)));
        let vcf = format!("--output_vcf={}", text(&world.vcf));
        crate::world::varpix(&[&[reference.as_str(), &reads, &vcf][..], &own[..], extra].concat())
    };
    let stderr = wrapped(&["--sample_name=a", "--postprocess_variants_extra_args=sample_name=b"]).succeeds().stderr;
    assert!(stderr.contains("taken as --sample-name b") && stderr.contains("b would be called"), "{stderr}");
    let extra = "--make_examples_extra_args=min_mapping_quality=5,vsc_min_fraction_snps=0.2";
    let stderr = wrapped(&[extra]).succeeds().stderr;
    assert!(
        stderr.contains("vsc_min_fraction_snps=0.2; model wgs") && stderr.contains("here: min_mapping_quality"),
        "{stderr}"
    );
    wrapped(&["--postprocess_variants_extra_args=multiallelic_mode=median"])
        .fails(2, &["--postprocess-variants-extra-args", "multiallelic_mode", "leave the flag out"]);
    wrapped(&["--call_variants_extra_args=execution_hardware=tpu"]).fails(2, &["auto, cpu or accelerator"]);
    // Fewer candidates are found, and low qualities are left out.
    let called = |extra: &[&str]| {
        let outcome = world.call(extra).succeeds();
        (outcome.row("candidates"), crate::world::tool("bcftools", &["view", "-H", &text(&world.vcf)]).lines().count())
    };
    let (before, calls) = called(&[]);
    let (after, fewer) =
        called(&["--make-examples-extra-args", "vsc_min_fraction_snps=0.4,vsc_min_fraction_indels=0.4"]);
    assert!(after < before && fewer < calls, "{before} {after} candidates, {calls} {fewer} calls");
}

#[test]
fn settings_of_a_file_are_for_its_images() {
    let world = World::new();
    let json = world.write("wgs.json", INFO.replace("64, 147", "100, 221").as_bytes());
    world.call(&["--customized-model-json", &text(&json)]).fails(3, &["wgs.json", "[100, 221, 7]", "[64, 147, 7]"]);
    world.call(&["--customized-model-json", &text(&world.path("none.json"))]).fails(3, &["none.json"]);
    let flags = r#""channels": [1, 2, 3, 4, 5, 6, 19], "flags_for_calling": {"min_mapping_quality": 61}"#;
    let json = world.write("none.json", INFO.replace("\"channels\": [1, 2, 3, 4, 5, 6, 19]", flags).as_bytes());
    let outcome = world.call(&["--customized-model-json", &text(&json)]).succeeds();
    assert_eq!(outcome.row("candidates"), 0);
    // A model of DeepVariant is not taken as it is.
    std::fs::create_dir(world.path("saved")).unwrap();
    world.write("saved/saved_model.pb", b"");
    world.call(&["--model", &text(&world.path("saved"))]).fails(3, &["saved", "varpix import-deepvariant"]);
}

#[test]
fn imported_models_are_found_by_their_type() {
    let world = World::new();
    let models = world.path("models");
    std::fs::create_dir(&models).unwrap();
    std::os::unix::fs::symlink(model(), models.join("pacbio")).unwrap();
    let call = |of_type: &str| -> Outcome {
        std::process::Command::new(env!("CARGO_BIN_EXE_varpix"))
            .env("VARPIX_MODELS", &models)
            .args(["call", "--ref", &text(&world.reference), "--reads", &text(&world.reads)])
            .args(["--output-vcf", &text(&world.vcf), "--dry-run", "--model-type", of_type])
            .output()
            .unwrap()
            .into()
    };
    call("PACBIO").succeeds();
    call("ONT_R104").fails(2, &["--model-type ONT_R104", "no model ont_r104", "varpix import-deepvariant"]);
    call("SOLID").fails(2, &["--model-type SOLID", "supported types are WGS, WES, PACBIO"]);
}
