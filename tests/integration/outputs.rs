//! What `varpix call` writes: gVCF, BCF, stdout, haploid genotypes, filters; and what other tools say to it.

use std::collections::BTreeSet;

use crate::world::{Outcome, World, text, tool};

const REGION: &str = "chrA:1-40000";
const LENGTH: usize = 40_000;

/// The columns of a file's records.
fn records(path: &str) -> Vec<Vec<String>> {
    let listed = tool("bcftools", &["view", "-H", path]);
    listed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A record's FORMAT value.
fn value<'a>(record: &'a [String], key: &str) -> &'a str {
    let i = record[8].split(':').position(|format| format == key).unwrap();
    record[9].split(':').nth(i).unwrap()
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(',').map(|n| n.parse().unwrap()).collect()
}

/// Fails where a tool has anything to say.
#[track_caller]
fn silent(program: &str, args: &[&str]) {
    let output = std::process::Command::new(program).args(args).output().unwrap();
    let outcome = Outcome::from(output);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!((outcome.code, said.trim()), (0, ""), "{program} {args:?}");
}

#[test]
fn a_gvcf_covers_each_position_once() {
    let world = World::new();
    let gvcf = text(&world.path("out.g.vcf.gz"));
    world.call(&["--regions", REGION, "--output-gvcf", &gvcf]).succeeds();
    let mut covered = 0;
    let all = records(&gvcf);
    for record in &all {
        let start: usize = record[1].parse::<usize>().unwrap() - 1;
        let is_block = record[4] == "<*>";
        let end = match record[7].strip_prefix("END=") {
            Some(end) => end.parse().unwrap(),
            None => start + record[3].len(),
        };
        assert_eq!(record[7] != ".", is_block);
        // Only calls may lie over each other.
        assert!(start == covered || (!is_block && start < covered), "{start} after {covered}: {record:?}");
        covered = covered.max(end);
        assert!(record[4].ends_with("<*>") && value(record, "PL").split(',').count() >= 3);
    }
    assert_eq!(covered, LENGTH);
    let sites = |records: &[Vec<String>]| -> BTreeSet<String> {
        records.iter().filter(|r| r[6] == "PASS").map(|r| format!("{} {}", r[1], r[4].replace(",<*>", ""))).collect()
    };
    assert_eq!(sites(&all), sites(&records(&text(&world.vcf))));
    assert_eq!(world.outputs(), ["out.g.vcf.gz", "out.g.vcf.gz.tbi", "out.vcf.gz", "out.vcf.gz.tbi"]);
}

#[test]
fn borders_between_regions_do_not_show() {
    let called = |regions: &[&str]| {
        let world = World::new();
        let gvcf = text(&world.path("out.g.vcf"));
        let mut args = vec!["--output-gvcf", &gvcf, "--regions"];
        args.extend(regions);
        world.call(&args).succeeds();
        (std::fs::read(&world.vcf).unwrap(), std::fs::read_to_string(&gvcf).unwrap())
    };
    assert_eq!(called(&[REGION]), called(&["chrA:1-13000", "chrA:13001-14000", "chrA:14001-40000"]));
}

#[test]
fn the_size_of_regions_does_not_show() {
    // As long as no region is over the cap of reads.
    let called = |size: u32| {
        let world = World::new();
        let model = world.path("model");
        std::fs::create_dir(&model).unwrap();
        for name in ["model.json", "weights.safetensors", "small_model.json"] {
            std::fs::copy(crate::world::model().join(name), model.join(name)).unwrap();
        }
        let config = std::fs::read_to_string(model.join("model.json")).unwrap();
        let changed = config.replace("\"region_size\": 1000", &format!("\"region_size\": {size}"));
        assert_eq!(changed == config, size == 1000);
        std::fs::write(model.join("model.json"), changed).unwrap();
        let gvcf = text(&world.path("out.g.vcf"));
        world.call(&["--regions", REGION, "--model", &text(&model), "--output-gvcf", &gvcf]).succeeds();
        (std::fs::read(&world.vcf).unwrap(), std::fs::read_to_string(&gvcf).unwrap())
    };
    let usual = called(1000);
    assert_eq!(usual, called(2500));
    assert_eq!(usual, called(700));
}

#[test]
fn gatks_name_for_the_unseen_allele() {
    let world = World::new();
    let gvcf = text(&world.path("out.g.vcf"));
    let args = ["--output-gvcf", &gvcf, "--gvcf-ref-allele", "<NON_REF>", "--gvcf-gq-bin", "50"];
    world.call(&args).succeeds();
    let all = records(&gvcf);
    assert!(all.iter().all(|record| record[4].ends_with("<NON_REF>")));
    let fine = World::new();
    let gvcf = text(&fine.path("out.g.vcf"));
    fine.call(&["--output-gvcf", &gvcf, "--gvcf-gq-bin", "1"]).succeeds();
    assert!(records(&gvcf).len() > all.len());
    fine.call(&["--output-gvcf", &gvcf, "--gvcf-ref-allele", "NON_REF"]).fails(2, &[]);
}

#[test]
fn tools_take_all_of_it_without_a_word() {
    let world = World::new();
    let gvcf = text(&world.path("out.g.vcf.gz"));
    world.call(&["--regions", REGION, "--output-gvcf", &gvcf]).succeeds();
    let haploid = World::new();
    let haploid_gvcf = text(&haploid.path("out.g.vcf.gz"));
    let args =
        ["--regions", REGION, "--haploid-contigs", "chrA", "--sample-name", "other", "--output-gvcf", &haploid_gvcf];
    haploid.call(&args).succeeds();
    let (vcf, other) = (text(&world.vcf), text(&haploid.vcf));
    for file in [&vcf, &other, &gvcf, &haploid_gvcf] {
        silent("vcf-validator", &[file]);
        silent("bcftools", &["view", "-o", "/dev/null", file]);
        silent("bcftools", &["index", "--force", "--tbi", file]);
        silent("tabix", &["-f", "-p", "vcf", file]);
        let stats = tool("bcftools", &["stats", file]);
        assert!(stats.contains("number of records"));
    }
    for pair in [[&vcf, &other], [&gvcf, &haploid_gvcf]] {
        silent("bcftools", &["merge", "-o", "/dev/null", pair[0], pair[1]]);
    }
    // Left-aligned and trimmed: nothing is left to do.
    let reference = text(&world.reference);
    let args = ["norm", "-c", "e", "-f", &reference, "-o", "/dev/null", &vcf];
    let normal = Outcome::from(std::process::Command::new("bcftools").args(args).output().unwrap());
    let (_, counts) = normal.stderr.trim().rsplit_once('\t').unwrap();
    assert!(counts.ends_with("/0/0/0"), "{}", normal.stderr);
}

#[test]
fn values_agree_with_each_other() {
    let world = World::new();
    world.call(&["--regions", REGION, "--emit-ref-calls"]).succeeds();
    let all = records(&text(&world.vcf));
    assert!(all.len() > 30);
    for record in &all {
        let likelihoods = numbers(value(record, "PL"));
        let genotype = value(record, "GT");
        if let Some((a, b)) = genotype.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))) {
            let called: usize = {
                let (a, b): (usize, usize) = (a, b);
                b * (b + 1) / 2 + a
            };
            assert!(likelihoods[called].abs() < 0.5, "{record:?}");
        }
        let (depths, depth) = (numbers(value(record, "AD")), numbers(value(record, "DP"))[0]);
        assert!(depths.iter().sum::<f64>() <= depth, "{record:?}");
        let strands = numbers(value(record, "ADF")).into_iter().zip(numbers(value(record, "ADR")));
        assert!(strands.zip(&depths).all(|((f, r), d)| (f + r - d).abs() < 0.5), "{record:?}");
        let mapping = numbers(value(record, "MQ"))[0];
        assert!((0.0..=60.0).contains(&mapping), "{record:?}");
    }
}

#[test]
fn one_copy_has_one_allele() {
    let world = World::new();
    let par = text(&world.write("par.bed", b"chrA\t0\t10000\n"));
    world.call(&["--regions", REGION, "--haploid-contigs", "chrA", "--par-regions-bed", &par]).succeeds();
    let all = records(&text(&world.vcf));
    let (two, one): (Vec<_>, Vec<_>) = all.iter().partition(|r| r[1].parse::<u32>().unwrap() <= 10_000);
    assert!(!two.is_empty() && two.iter().all(|r| value(r, "GT").contains('/')));
    assert!(!one.is_empty());
    for record in one {
        let alleles = 1 + record[4].split(',').count();
        assert!(value(record, "GT").parse::<usize>().is_ok_and(|allele| allele < alleles), "{record:?}");
        assert_eq!(value(record, "PL").split(',').count(), alleles, "{record:?}");
    }
    world.call(&["--regions", REGION, "--haploid-contigs", "chrA", "--haploid-gt", "diploid"]).succeeds();
    for record in records(&text(&world.vcf)) {
        let (a, b) = value(&record, "GT").split_once('/').unwrap();
        assert_eq!(a, b);
    }
}

#[test]
fn a_gvcf_of_one_copy_is_spelled_one_way() {
    let world = World::new();
    let par = text(&world.write("par.bed", b"chrA\t0\t10000\n"));
    let gvcf = text(&world.path("out.g.vcf"));
    let args = ["--regions", REGION, "--haploid-contigs", "chrA", "--par-regions", &par, "--output-gvcf", &gvcf];
    // By default as joint callers take it: two alleles everywhere, and het impossible where there is one copy.
    world.call(&args).succeeds();
    assert!(records(&text(&world.vcf)).iter().any(|r| !value(r, "GT").contains('/')));
    for record in records(&gvcf) {
        let (alleles, one) = (1 + record[4].split(',').count(), record[1].parse::<u32>().unwrap() > 10_000);
        let (a, b) = value(&record, "GT").split_once('/').unwrap();
        let likelihoods = numbers(value(&record, "PL"));
        assert_eq!(likelihoods.len(), alleles * (alleles + 1) / 2, "{record:?}");
        assert!(!one || (a == b && likelihoods[1] > 900.0), "{record:?}");
    }
    world.call(&[&args[..], &["--haploid-gt", "haploid"]].concat()).succeeds();
    let all = records(&gvcf);
    let blocks =
        |one: bool| all.iter().filter(move |r| r[4] == "<*>" && (r[1].parse::<u32>().unwrap() > 10_000) == one);
    assert!(blocks(true).count() > 0 && blocks(false).all(|r| value(r, "GT").contains('/')));
    for record in all.iter().filter(|r| r[1].parse::<u32>().unwrap() > 10_000) {
        let alleles = 1 + record[4].split(',').count();
        assert!(!value(record, "GT").contains('/') && numbers(value(record, "PL")).len() == alleles, "{record:?}");
    }
    // Depth 30 and no other allele: (0.001 / 0.999)^30 against it.
    assert!(blocks(true).all(|r| value(r, "MIN_DP").parse::<u32>().is_ok() && value(r, "GT") != "0/0"));
    world.call(&[&args[..], &["--haploid-gt", "diploid"]].concat()).succeeds();
    assert!(records(&text(&world.vcf)).iter().all(|r| value(r, "GT").contains('/')));
}

#[test]
fn info_is_what_bcftools_makes_of_the_genotypes() {
    let world = World::new();
    let info = [
        "--info",
        "AF,AN,DP,AC",
        "--emit-ref-calls",
        "--haploid-contigs",
        "chrA",
        "--regions",
        "chrA:1-30000",
        "chrB:1-30000",
    ];
    world.call(&info).succeeds();
    let vcf = text(&world.vcf);
    let format = "%CHROM %POS %ALT %INFO/DP %INFO/AC %INFO/AN %INFO/AF\n";
    let ours = tool("bcftools", &["query", "-f", format, &vcf]);
    let bare = text(&world.path("bare.bcf"));
    let filled = text(&world.path("filled.bcf"));
    tool("bcftools", &["annotate", "-x", "INFO", "-o", &bare, &vcf]);
    let tags = "AC,AN,AF,DP:1=int(sum(FORMAT/DP))";
    tool("bcftools", &["+fill-tags", &bare, "-o", &filled, "--", "-t", tags]);
    assert_eq!(ours, tool("bcftools", &["query", "-f", format, &filled]));
    for an in [" 1 1 1\n", " 1 2 0.5\n", " 0 0 .\n"] {
        assert!(ours.contains(an), "{an}");
    }
    silent("vcf-validator", &[&vcf]);
    // None unless asked for.
    world.call(&["--regions", REGION]).succeeds();
    assert!(records(&vcf).iter().all(|r| r[7] == "."));
    world.call(&["--info", "MQ"]).fails(2, &[]);
}

#[test]
fn the_header_is_what_old_tools_read() {
    let world = World::new();
    world.call(&["--header-reference", "https://example.org/ref.fa"]).succeeds();
    let header = tool("bcftools", &["view", "-h", "--no-version", &text(&world.vcf)]);
    assert!(header.starts_with("##fileformat=VCFv4.2\n") && !header.contains("LowQual"), "{header}");
    assert!(header.contains("\n##reference=https://example.org/ref.fa\n"), "{header}");
    let frequencies = text(&world.path("frequencies"));
    let args = ["--gzvcf", &text(&world.vcf), "--freq", "--out", &frequencies];
    let vcftools = Outcome::from(std::process::Command::new("vcftools").args(args).output().unwrap());
    assert!(vcftools.code == 0 && !vcftools.stderr.contains("Warning"), "{}", vcftools.stderr);
    world.call(&[]).succeeds();
    let header = tool("bcftools", &["view", "-h", &text(&world.vcf)]);
    assert!(header.contains("\n##reference=ref.fa\n"), "{header}");
    world.call(&["--header-reference", "a\nb"]).fails(2, &[]);
}

#[test]
fn one_file_for_each_kind_of_name() {
    let world = World::new();
    world.call(&[]).succeeds();
    let lines = records(&text(&world.vcf));
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let to = |name: &str| {
        let args = ["call", "--ref", &reference, "--reads", &reads, "--regions", "chrA:1-20000", "--output-vcf", name];
        crate::world::varpix(&args).succeeds()
    };
    let bcf = text(&world.path("out.bcf"));
    to(&bcf);
    assert_eq!(records(&bcf), lines);
    assert_eq!(tool("bcftools", &["view", "-H", &bcf, "chrA:1-20000"]).lines().count(), lines.len());
    let plain = text(&world.path("plain.vcf"));
    to(&plain);
    assert_eq!(records(&plain), lines);
    assert_eq!(to("-").stdout, std::fs::read_to_string(&plain).unwrap());
}

#[test]
fn only_what_is_asked_for() {
    let world = World::new();
    world.call(&["--regions", REGION, "--emit-ref-calls"]).succeeds();
    let all = records(&text(&world.vcf));
    let quality = |record: &[String]| record[5].parse::<f64>().unwrap();
    world.call(&["--regions", REGION, "--emit-ref-calls", "--only-pass"]).succeeds();
    let passed: Vec<_> = all.iter().filter(|r| r[6] == "PASS").cloned().collect();
    assert_eq!(records(&text(&world.vcf)), passed);
    let middle = quality(&passed[passed.len() / 2]);
    world.call(&["--regions", REGION, "--min-qual", &middle.to_string()]).succeeds();
    let good: Vec<_> = passed.iter().filter(|r| quality(r) >= middle).cloned().collect();
    assert_eq!(records(&text(&world.vcf)), good);
}

#[test]
fn a_samples_reads_may_lie_in_several_files() {
    let world = World::new();
    world.call(&[]).succeeds();
    let whole = std::fs::read(&world.vcf).unwrap();
    let reads = text(&world.reads);
    let halves: Vec<String> = [["-f", "16", "a.bam"], ["-F", "16", "b.bam"]]
        .iter()
        .map(|[flag, bit, name]| {
            let path = text(&world.path(name));
            tool("samtools", &["view", "-b", flag, bit, "-o", &path, &reads]);
            tool("samtools", &["index", &path]);
            path
        })
        .collect();
    let mut both = World::new();
    both.reads = halves.join(",").into();
    both.call(&[]).succeeds();
    assert_eq!(std::fs::read(&both.vcf).unwrap(), whole);
    let header = tool("samtools", &["view", "-H", &reads]).replace("SM:testdata", "SM:somebody");
    let header = text(&world.write("header.sam", header.as_bytes()));
    let stranger = world.path("stranger.bam");
    let renamed = std::process::Command::new("samtools").args(["reheader", &header, &halves[1]]).output().unwrap();
    std::fs::write(&stranger, renamed.stdout).unwrap();
    tool("samtools", &["index", &text(&stranger)]);
    let mut mixed = World::new();
    mixed.reads = format!("{},{}", halves[0], text(&stranger)).into();
    mixed.call(&[]).fails(3, &["somebody", "testdata", "--sample-name"]);
}

#[test]
fn each_site_that_is_asked_for_is_answered() {
    let world = World::new();
    let truth = tool("bcftools", &["view", "-H", &text(&crate::world::testdata("truth.vcf.gz")), "chrA:1-30000"]);
    let contig = world.bases();
    let base = |position: usize| char::from(contig.as_bytes()[position - 1].to_ascii_uppercase());
    // True sites, one that no read shows, one twice, and one beyond the reads' alleles.
    let mut wanted: Vec<(usize, String, String)> = truth
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|columns| (columns[1].parse().unwrap(), columns[3].to_owned(), columns[4].to_owned()))
        .collect();
    let absent = (5_000, base(5_000).to_string(), (if base(5_000) == 'A' { "C" } else { "A" }).to_owned());
    let long = (7_000, base(7_000).to_string(), format!("{}ACGTACGTACGT", base(7_000)));
    wanted.extend([absent.clone(), absent, long]);
    wanted.sort();
    let header =
        "##fileformat=VCFv4.3\n##contig=<ID=chrA,length=120000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    let line = |(position, from, to): &(usize, String, String)| format!("chrA\t{position}\t.\t{from}\t{to}\t.\t.\t.\n");
    let file = |sites: &[(usize, String, String)]| format!("{header}{}", sites.iter().map(line).collect::<String>());
    let sites = text(&world.write("sites.vcf", file(&wanted).as_bytes()));
    world.call(&["--regions", "chrA", "--genotype-sites", &sites]).succeeds();
    let answers = records(&text(&world.vcf));
    let answered: Vec<(usize, String, String)> =
        answers.iter().map(|r| (r[1].parse().unwrap(), r[3].clone(), r[4].clone())).collect();
    assert_eq!(answered, wanted);
    let carried = answers.iter().filter(|r| r[6] == "PASS").count();
    assert!(carried * 100 >= truth.lines().count() * 90 && carried <= truth.lines().count(), "{carried}");
    for record in answers.iter().filter(|r| r[1] == "5000" || r[1] == "7000") {
        assert_eq!((record[6].as_str(), value(record, "AD").rsplit(',').next()), ("RefCall", Some("0")), "{record:?}");
    }
    // A part of the contig has its part of the answers.
    world.call(&["--regions", "chrA:1-6000", "--genotype-sites", &sites]).succeeds();
    assert_eq!(records(&text(&world.vcf)).len(), wanted.iter().filter(|site| site.0 <= 6000).count());
    // What cannot be genotyped is named.
    let faulty = |name: &str, content: String, words: &[&str]| {
        let sites = text(&world.write(name, content.as_bytes()));
        world.call(&["--genotype-sites", &sites]).fails(3, words);
    };
    let wrong = if base(5_000) == 'G' { "T" } else { "G" };
    faulty("wrong.vcf", file(&[(5_000, wrong.into(), "A".into())]).replace("\tA\t", "\tC\t"), &["chrA:5000", "REF"]);
    faulty("symbolic.vcf", file(&[(5_000, base(5_000).to_string(), "<DEL>".into())]), &["chrA:5000", "<DEL>"]);
    wanted.reverse();
    faulty("unsorted.vcf", file(&wanted), &["sort"]);
    faulty("other.vcf", file(&wanted).replace("chrA", "chr9"), &["chr9"]);
}

#[cfg(feature = "torch")]
#[test]
fn the_small_model_changes_next_to_nothing() {
    let called = |extra: &[&str]| {
        let world = World::new();
        let outcome = world.call(extra).succeeds();
        let settled = outcome.row("decided without an image");
        let genotypes: Vec<[String; 4]> = records(&text(&world.vcf))
            .into_iter()
            .map(|r| [r[1].clone(), r[3].clone(), r[4].clone(), r[9].split(':').next().unwrap().to_owned()])
            .collect();
        (settled, genotypes)
    };
    let (settled, with) = called(&[]);
    let (none, without) = called(&["--no-small-model"]);
    assert!(settled > 10 && none == 0, "{settled} and {none}");
    let differing = with.iter().filter(|record| !without.contains(record)).count();
    assert!(differing <= 2, "{differing} of {} calls differ", with.len());
    assert_eq!(called(&["--disable_small_model=true"]).0, 0);
}
