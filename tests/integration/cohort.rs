//! What joint callers read of a gVCF, samples merged by their gVCFs, and the same bytes however the reads are stored.

use std::collections::{BTreeMap, BTreeSet};

use crate::world::{World, testdata, text, tool};

const REGION: &str = "chrA:1-30000";
const LENGTH: u64 = 30_000;

/// The records of a file, split at tabs.
fn records(path: &str) -> Vec<Vec<String>> {
    let lines = tool("bcftools", &["view", "-H", path]);
    lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The values of a sample by the names of FORMAT.
fn values(record: &[String], sample: usize) -> BTreeMap<&str, &str> {
    record[8].split(':').zip(record[9 + sample].split(':')).collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The presets of `GLnexus` for `DeepVariant` (`src/cli_utils.cc`) read `MIN_DP` or DP, AD of all alleles, GQ, and PL of all genotypes; its import takes
/// diploid genotypes, and for reference confidence records whose one alternative is symbolic and whose INFO has END.
#[test]
fn a_gvcf_has_what_joint_callers_read() {
    let world = World::new();
    let gvcf = text(&world.path("out.g.vcf.gz"));
    let par = text(&world.write("par.bed", b"chrA\t0\t10000\n"));
    for extra in [&[][..], &["--haploid-contigs", "chrA", "--par-regions", &par]] {
        world.call(&[&["--regions", REGION, "--output-gvcf", &gvcf], extra].concat()).succeeds();
        let header = tool("bcftools", &["view", "-h", &gvcf]);
        for (field, count) in [("AD", "R"), ("PL", "G"), ("GQ", "1"), ("DP", "1"), ("MIN_DP", "1"), ("GT", "1")] {
            assert!(header.contains(&format!("##FORMAT=<ID={field},Number={count},")), "{field}: {header}");
        }
        assert!(header.contains("##contig=<ID=chrA,length=130000>"));
        let (mut calls, mut blocks, mut covered) = (0, 0, 0);
        for record in records(&gvcf) {
            let alleles = 1 + record[4].split(',').count();
            let of = values(&record, 0);
            assert!(record[4] == "<*>" || record[4].ends_with(",<*>"), "{record:?}");
            assert_eq!(of["GT"].split(['/', '|']).count(), 2, "{record:?}");
            assert_eq!(of["PL"].split(',').map(number).count(), alleles * (alleles + 1) / 2, "{record:?}");
            assert!(of["PL"].split(',').any(|likelihood| likelihood == "0") && number(of["GQ"]) <= 99, "{record:?}");
            let start = number(&record[1]);
            if record[4] == "<*>" {
                blocks += 1;
                let end = number(record[7].strip_prefix("END=").unwrap());
                assert!(of.contains_key("MIN_DP") && end >= start && start > covered, "{record:?}");
                covered = end;
            } else {
                calls += 1;
                assert_eq!(of["AD"].split(',').map(number).count(), alleles, "{record:?}");
                assert!(number(of["DP"]) >= of["AD"].split(',').map(number).sum::<u64>(), "{record:?}");
                covered = covered.max(start + record[3].len() as u64 - 1);
            }
        }
        assert!(calls > 10 && blocks > 10 && covered == LENGTH, "{calls} {blocks} {covered}");
    }
}

#[test]
fn three_samples_are_merged_by_their_gvcfs() {
    let world = World::new();
    let reference = text(&world.reference);
    let mut gvcfs = Vec::new();
    for (name, seed) in [("one", "1"), ("two", "2"), ("three", "3")] {
        // Two thirds of the reads, others in each.
        let reads = text(&world.path(&format!("{name}.bam")));
        let gvcf = text(&world.path(&format!("{name}.g.vcf.gz")));
        let subsample = ["view", "-b", "--subsample", "0.67", "--subsample-seed", seed, "-o", &reads];
        tool("samtools", &[&subsample[..], &[&text(&world.reads)]].concat());
        tool("samtools", &["index", &reads]);
        let args = ["--ref", &reference, "--reads", &reads, "--regions", REGION, "--sample-name", name];
        let outputs = ["--output-vcf", &text(&world.vcf), "--output-gvcf", &gvcf];
        crate::world::varpix(&[&["call"], &args[..], &outputs].concat()).succeeds();
        gvcfs.push(gvcf);
    }
    let (all, cohort) = (text(&world.path("all.vcf.gz")), text(&world.path("cohort.vcf.gz")));
    let files: Vec<&str> = gvcfs.iter().map(String::as_str).collect();
    tool("bcftools", &[&["merge", "--gvcf", &reference, "-Oz", "-o", &all], &files[..]].concat());
    tool("bcftools", &["view", "--trim-alt-alleles", "--min-ac", "1", "-Oz", "-o", &cohort, &all]);
    let names = tool("bcftools", &["query", "-l", &cohort]);
    assert_eq!(names.lines().collect::<Vec<_>>(), ["one", "two", "three"]);
    let truth: BTreeMap<String, BTreeSet<String>> = {
        let query =
            ["query", "-r", "chrA:300-29700", "-f", "%POS\t%REF\t%ALT\t[%GT]\n", &text(&testdata("truth.vcf.gz"))];
        tool("bcftools", &query)
            .lines()
            .map(|line| (place(line), genotype(line.rsplit('\t').next().unwrap())))
            .collect()
    };
    let found: BTreeMap<String, Vec<BTreeSet<String>>> = {
        let query = ["query", "-f", "%POS\t%REF\t%ALT\t[%GT ]\n", &cohort];
        let genotypes = |line: &str| line.rsplit('\t').next().unwrap().split_whitespace().map(genotype).collect();
        tool("bcftools", &query).lines().map(|line| (place(line), genotypes(line))).collect()
    };
    assert!(!found.keys().any(|place| place.contains('<')), "alleles that nobody has are left: {found:?}");
    // The same genome three times, with 20 reads: few genotypes may differ from the truth.
    let wanted = 3 * truth.len();
    let right: usize = truth
        .iter()
        .map(|(place, genotype)| found.get(place).map_or(0, |all| all.iter().filter(|one| *one == genotype).count()))
        .sum();
    assert!(truth.len() > 20 && right * 100 >= wanted * 95, "{right} of {wanted}");
    // A site that one of them has is called in all, as blocks say what the others have.
    let missing = found.values().flatten().filter(|genotype| genotype.contains(".")).count();
    assert!(missing * 50 <= 3 * found.len(), "{missing} of {}", 3 * found.len());
}

/// Position and alleles.
fn place(line: &str) -> String {
    line.rsplit_once('\t').unwrap().0.to_owned()
}

/// The alleles' numbers, without their order.
fn genotype(text: &str) -> BTreeSet<String> {
    text.split(['/', '|']).map(str::to_owned).collect()
}

#[test]
fn the_files_form_changes_no_byte() {
    let outputs = |world: &World| {
        let gvcf = text(&world.path("out.g.vcf.gz"));
        world.call(&["--regions", REGION, "--output-gvcf", &gvcf]).succeeds();
        world.outputs().iter().map(|name| std::fs::read(world.path(name)).unwrap()).collect::<Vec<_>>()
    };
    let mut world = World::new();
    let expected = outputs(&world);
    assert_eq!(expected.len(), 4);
    // Another run of the same.
    assert!(outputs(&world) == expected);
    let cram = text(&world.path("reads.cram"));
    tool("samtools", &["view", "-C", "-T", &text(&world.reference), "-o", &cram, &text(&world.reads)]);
    tool("samtools", &["index", &cram]);
    world.reads = cram.into();
    assert!(outputs(&world) == expected);
    // A reference of blocks.
    let packed = text(&world.path("ref.fa.gz"));
    let plain = text(&world.reference);
    tool("bash", &["-c", &format!("bgzip -c '{plain}' > '{packed}' && samtools faidx '{packed}'")]);
    let of_plain = text(&world.reference);
    world.reference = packed.into();
    let found = {
        let gvcf = text(&world.path("out.g.vcf.gz"));
        let named = of_plain.rsplit('/').next().unwrap().to_owned();
        let args = ["--regions", REGION, "--output-gvcf", &gvcf, "--header-reference", &named];
        world.call(&args).succeeds();
        world.outputs().iter().map(|name| std::fs::read(world.path(name)).unwrap()).collect::<Vec<_>>()
    };
    assert!(found == expected);
}
