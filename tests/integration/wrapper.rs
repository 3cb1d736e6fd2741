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

/// Runs the smallest line of the wrapper with one more flag, or another value for one of its own.
fn run(world: &World, flag: &str) -> Outcome {
    let bed = text(&world.write("par.bed", b"chrA\t0\t1000\n"));
    let stands_for = [
        ("FASTA", text(&world.reference)),
        ("GVCF", text(&world.path("out.g.vcf.gz"))),
        ("VCF", text(&world.vcf)),
        ("BAM", text(&world.reads)),
        ("BED", bed),
        ("MODEL", text(&model())),
        ("DIR", text(&world.path("folder"))),
    ];
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
    let value = value.map(|value| {
        stands_for.iter().find(|(word, _)| *word == value).map_or(value.to_owned(), |(_, path)| path.clone())
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
