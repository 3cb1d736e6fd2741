//! What `--regions` takes, and what it says of the rest.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::world::{Outcome, World, text, tool};

/// First and last positions of the calls, by contig.
fn calls(world: &World) -> Vec<(String, u64)> {
    let table = tool("bcftools", &["query", "-f", "%CHROM %POS\n", &text(&world.vcf)]);
    table
        .lines()
        .map(|line| line.split_once(' ').map(|(name, at)| (name.to_owned(), at.parse().unwrap())).unwrap())
        .collect()
}

/// Calls with such regions.
fn with(world: &World, regions: &[&str]) -> Vec<(String, u64)> {
    world.call(&[&["--regions"], regions].concat()).succeeds();
    calls(world)
}

#[test]
fn all_ways_to_write_regions_mean_the_same() {
    let world = World::new();
    let expected = with(&world, &["chrA:1001-12000", "chrB:60001-70000"]);
    assert!(expected.iter().any(|(name, _)| name == "chrA") && expected.iter().any(|(name, _)| name == "chrB"));
    let bed = b"chrA\t1000\t12000\nchrB\t60000\t70000\n";
    world.write("plain.bed", bed);
    world.write("mark.bed", &[b"\xef\xbb\xbf".as_slice(), &bed[..]].concat());
    world.write("dos.bed", String::from_utf8(bed.to_vec()).unwrap().replace('\n', "\r\n").as_bytes());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bed).unwrap();
    world.write("gzip.bed.gz", &gzip.finish().unwrap());
    fs::create_dir(world.path("a folder")).unwrap();
    world.write("a folder/a file.bed", bed);
    world.write("bgzip.bed", bed);
    tool("bgzip", &[&text(&world.path("bgzip.bed"))]);
    for name in ["plain.bed", "mark.bed", "dos.bed", "gzip.bed.gz", "bgzip.bed.gz", "a folder/a file.bed"] {
        assert_eq!(with(&world, &[&text(&world.path(name))]), expected, "{name}");
    }
    for regions in
        ["chrA:1,001-12,000 chrB:60,001-70,000", "chrA:1,001-12,000,chrB:60,001-", "chrB:60001-,chrA:1001-12000"]
    {
        assert_eq!(with(&world, &[regions]), expected, "{regions}");
    }
}

#[test]
fn a_contig_comes_before_a_file_of_its_name() {
    let world = World::new();
    let expected = with(&world, &["chrB"]);
    world.write("chrB", b"chrB\t10\t20\n");
    let vcf = text(&world.vcf);
    let outcome: Outcome = Command::new(env!("CARGO_BIN_EXE_varpix"))
        .current_dir(world.path(""))
        .args(["call", "--ref", "ref.fa", "--reads", "reads.bam", "--output-vcf", &vcf, "--regions", "chrB"])
        .output()
        .unwrap()
        .into();
    outcome.succeeds();
    assert_eq!(calls(&world), expected);
}

#[test]
fn one_position_is_one_position() {
    let world = World::new();
    let all = with(&world, &["chrA:1-20000"]);
    let (name, at) = &all[all.len() / 2];
    assert_eq!(with(&world, &[&format!("{name}:{at}")]), [(name.clone(), *at)]);
}

#[test]
fn what_is_refused_says_why() {
    let world = World::new();
    for (regions, code, words) in [
        ("chra", 2, "did you mean 'chrA'"),
        ("A", 2, "did you mean 'chrA'"),
        ("CHRB:5-9", 2, "did you mean 'chrB'"),
        ("hg38", 2, "genome build"),
        ("all", 2, "omit the option"),
        ("chrA,chrC", 2, "'chrC'"),
        ("chrA:1,00-2,000", 2, "contig:start-end"),
        ("chrB:70001-", 2, "70000 bp"),
        ("nowhere/a.bed", 3, "a.bed"),
        ("", 2, "is empty"),
    ] {
        world.call(&["--regions", regions]).fails(code, &[words]);
    }
    let pipe = text(&world.path("pipe.bed"));
    tool("mkfifo", &[&pipe]);
    world.call(&["--regions", &pipe]).fails(3, &["pipe.bed", "is a pipe"]);
    world.call(&["--regions", &text(&world.path(""))]).fails(3, &["is a folder"]);
    for (content, words) in [
        ("chrA\t10\t10\n", "contains no positions"),
        ("chrA\t99999999\t999999999\n", "contains no positions"),
        ("chrA\t10\t20\nchra\t10\t20\n", "did you mean 'chrA'"),
        ("chrA\t-10\t20\n", "line 1"),
        ("chrA\t20\t10\n", "line 1"),
    ] {
        let bed = world.write("some.bed", content.as_bytes());
        world.call(&["--regions", &text(&bed)]).fails(3, &["some.bed", words]);
    }
    let bed = world.write("pairs.bedpe", b"chrA\t10\t20\tchrB\t10\t20\n");
    world.call(&["--regions", &text(&bed)]).fails(3, &["pairs.bedpe", "BEDPE"]);
    world.call(&["--haploid-contigs", "chra"]).fails(2, &["did you mean 'chrA'"]);
    assert_eq!(world.outputs(), Vec::<String>::new());
}
