//! `varpix call` from BAM to VCF.

use std::collections::HashMap;

use crate::world::{World, testdata, text, tool, varpix};

/// Position, alleles and genotype of each record.
fn records(vcf: &str) -> HashMap<String, String> {
    let listed = tool("bcftools", &["query", "-f", "%CHROM:%POS:%REF:%ALT\t[%GT]\n", vcf]);
    listed
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(k, v)| (k.to_owned(), v.replace('|', "/")))
        .collect()
}

#[test]
fn most_of_the_truth_is_found_with_its_genotype() {
    let world = World::new();
    world.call(&["--regions", "chrA", "chrB"]).succeeds();
    let (truth, calls) = (records(&text(&testdata("truth.vcf.gz"))), records(&text(&world.vcf)));
    let normal = |gt: &str| if gt == "1/0" { "0/1".to_owned() } else { gt.to_owned() };
    let found =
        truth.iter().filter(|(site, gt)| calls.get(*site).is_some_and(|called| normal(called) == normal(gt))).count();
    // Representation differences are not resolved here; scripts/eval evaluate does that.
    assert!(found * 100 >= truth.len() * 85, "{found} of {} found", truth.len());
    assert!(calls.len() * 100 <= truth.len() * 120, "{} calls for {} variants", calls.len(), truth.len());
}

#[test]
fn other_tools_take_the_file_without_a_word() {
    let world = World::new();
    let outcome = world.call(&[]).succeeds();
    assert!(outcome.stderr.contains("classifier: run") && outcome.stderr.contains("images"), "{}", outcome.stderr);
    let vcf = text(&world.vcf);
    let view = crate::world::Outcome::from(
        std::process::Command::new("bcftools").args(["view", "-H", &vcf]).output().unwrap(),
    );
    assert_eq!((view.code, view.stderr.as_str()), (0, ""));
    // Sorted, and equal to what the index gives.
    let all = tool("bcftools", &["query", "-f", "%POS\n", &vcf]);
    let positions: Vec<u32> = all.lines().map(|p| p.parse().unwrap()).collect();
    assert!(positions.is_sorted() && !positions.is_empty());
    let middle = positions[positions.len() / 2];
    let fetched = tool("tabix", &[&vcf, &format!("chrA:{middle}-{middle}")]);
    assert_eq!(fetched.lines().count(), 1);
    // REF is the reference's.
    tool("bcftools", &["norm", "-c", "e", "-f", &text(&world.reference), "-o", "/dev/null", &vcf]);
    assert_eq!(tool("bcftools", &["query", "-l", &vcf]), "testdata\n");
    assert_eq!(world.outputs(), ["out.vcf.gz", "out.vcf.gz.tbi"]);
}

#[test]
fn threads_do_not_change_a_byte() {
    let bytes: Vec<_> = ["1", "2", "5", "16"]
        .iter()
        .map(|threads| {
            let world = World::new();
            let gvcf = text(&world.path("out.g.vcf.gz"));
            let regions = ["--regions", "chrA:1-60000", "chrB:20000-40000"];
            world.call(&[&regions[..], &["--threads", threads, "--output-gvcf", &gvcf]].concat()).succeeds();
            let names = world.outputs();
            assert_eq!(names.len(), 4);
            names.iter().map(|name| std::fs::read(world.path(name)).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    assert!(bytes.iter().all(|b| *b == bytes[0]));
}

#[test]
fn a_wrappers_line_works_as_it_is() {
    let world = World::new();
    world.call(&[]).succeeds();
    let theirs = world.path("theirs_too.vcf.gz");
    let line = [
        "--model_type=WGS".to_owned(),
        format!("--ref={}", text(&world.reference)),
        format!("--reads={}", text(&world.reads)),
        format!("--output_vcf={}", text(&theirs)),
        "--regions".into(),
        "chrA:1-10,000 chrA:10,001-20,000".into(),
        "--num_shards=2".into(),
        "--intermediate_results_dir=tmp".into(),
        "--vcf_stats_report=true".into(),
        "-v".into(),
    ];
    varpix(&line.iter().map(String::as_str).collect::<Vec<_>>()).succeeds();
    assert_eq!(std::fs::read(&world.vcf).unwrap(), std::fs::read(theirs).unwrap());
}

#[test]
fn plain_vcf_holds_the_same_records() {
    let mut world = World::new();
    world.call(&[]).succeeds();
    let compressed = tool("bcftools", &["view", "--no-version", &text(&world.vcf)]);
    world.vcf = world.path("out.plain.vcf");
    world.call(&[]).succeeds();
    assert_eq!(tool("bcftools", &["view", "--no-version", &text(&world.vcf)]), compressed);
}

#[test]
fn cut_regions_give_the_same_calls() {
    let world = World::new();
    world.call(&["--regions", "chrA:1-20000"]).succeeds();
    let whole = tool("bcftools", &["view", "-H", &text(&world.vcf)]);
    let bed = world.write("cut.bed", b"chrA\t7000\t20000\nchrA\t0\t3000\nchrA\t3000\t7100\n");
    world.call(&["--regions", &text(&bed)]).succeeds();
    assert_eq!(tool("bcftools", &["view", "-H", &text(&world.vcf)]), whole);
}

#[test]
fn version_and_help() {
    let version = varpix(&["--version"]).succeeds();
    let lines: Vec<_> = version.stdout.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(lines[0], ("varpix", concat!("version ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(lines[1..].iter().map(|line| line.0).collect::<Vec<_>>(), ["commit", "libtorch", "devices"]);
    assert!(lines[3].1.starts_with("cpu"), "{}", version.stdout);
    #[cfg(feature = "torch")]
    assert!(lines[2].1.starts_with("2."), "{}", version.stdout);
    assert_eq!(varpix(&["-V"]).succeeds().stdout, concat!("varpix version ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = varpix(&["call", "--help"]).succeeds().stdout;
    for flag in ["--ref", "--reads", "--output-vcf", "--regions", "--threads", "--model", "--device", "--sample-name"] {
        assert!(help.contains(flag), "{flag} is not in the help");
    }
    assert!(!help.contains("intermediate"), "flags that do nothing are not advertised");
}
