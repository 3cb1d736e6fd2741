//! `varpix explain` of places: all that a run does there.

use serde_json::Value;

use crate::made::{Change, Made, random_bases};
use crate::world::{Outcome, World, testdata, text, tool, varpix};

fn explain(world: &World, more: &[&str]) -> Outcome {
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    varpix(&[&["explain", "--ref", &reference, "--reads", &reads], more].concat())
}

fn stories(outcome: &Outcome) -> Vec<Value> {
    outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn stories_end_in_the_calls_of_a_run() {
    ends_in_the_calls_of_a_run(&[]);
}

#[test]
fn stories_of_haploid_contigs_end_in_the_calls_of_a_run() {
    let world = ends_in_the_calls_of_a_run(&["--haploid-contigs", "chrA"]);
    let explained = ["--region", "chrA:1-5000", "--haploid-contigs", "chrA"];
    let said = explain(&world, &explained).succeeds().stdout;
    assert!(said.contains("called 1 with GQ") && !said.contains("0/1"), "{said}");
    let bed = text(&world.path("par.bed"));
    std::fs::write(&bed, "chrA\t0\t5000\n").unwrap();
    let said = explain(&world, &[&explained[..], &["--par-regions", &bed]].concat()).succeeds().stdout;
    assert!(said.contains("called 0/1 with GQ"), "{said}");
    explain(&world, &["--region", "chrA:1-10", "--haploid-contigs", "chrZ"]).fails(2, &["chrZ"]);
}

fn ends_in_the_calls_of_a_run(more: &[&str]) -> World {
    let world = World::new();
    world.call(&[&["--regions", "chrA:1-30000", "--emit-ref-calls"], more].concat()).succeeds();
    let format = "%POS %REF %ALT [%GT %GQ %AD] %QUAL %FILTER\n";
    let listed = tool("bcftools", &["query", "-f", format, &text(&world.vcf)]);
    let told = stories(&explain(&world, &[&["--region", "chrA:1-30000", "--json"], more].concat()).succeeds());
    let told: Vec<String> = told
        .iter()
        .map(|story| &story["call"])
        .filter(|call| !call.is_null())
        .map(|call| {
            let joined = |name: &str| -> String {
                let of = call[name].as_array().unwrap().iter();
                of.map(|value| value.as_str().map_or(value.to_string(), str::to_owned)).collect::<Vec<_>>().join(",")
            };
            let (reference, alts, depths) =
                (call["reference"].as_str().unwrap(), joined("alternatives"), joined("allele_depths"));
            let genotype = call["genotype"].as_str().unwrap();
            let quality = call["quality"].as_f64().unwrap();
            let filter = call["filter"].as_str().unwrap();
            format!(
                "{} {reference} {alts} {genotype} {} {depths} {quality} {filter}",
                call["pos"], call["genotype_quality"]
            )
        })
        .collect();
    assert!(told.len() > 20);
    assert_eq!(told, listed.lines().collect::<Vec<_>>());
    world
}

#[test]
fn a_candidate_has_its_story() {
    let world = World::new();
    let truth =
        tool("bcftools", &["query", "-i", "TYPE=\"snp\"", "-f", "%CHROM:%POS\n", &text(&testdata("truth.vcf.gz"))]);
    let place = truth.lines().next().unwrap();
    let said = explain(&world, &["--region", place]).succeeds().stdout;
    for words in [
        format!("{place}, reference"),
        "over the site:".into(),
        "realignment:".into(),
        "alleles: depth".into(),
        "candidate: 2 reads and 12 % of the depth are needed".into(),
        "small model:".into(),
        "nats".into(),
        "genotypes, decided by".into(),
        "FILTER PASS".into(),
        "it passes and is written".into(),
    ] {
        assert!(said.contains(&words), "'{words}' is not in: {said}");
    }
    let told = &stories(&explain(&world, &["--region", place, "--json"]).succeeds())[0];
    let model = &told["small_model"];
    let sum: f64 = model["features"].as_array().unwrap().iter().map(|f| f["contribution"].as_f64().unwrap()).sum();
    let difference = model["difference"].as_f64().unwrap() - model["at_the_mean"].as_f64().unwrap();
    assert!((sum - difference).abs() < 1e-3, "{sum} {difference}");
    // The difference of the logits is that of the probabilities.
    let p: Vec<f64> = model["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    let index = |i: usize| ["hom-ref", "het", "hom-alt"].iter().position(|g| model["between"][i] == *g).unwrap();
    let odds = (p[index(0)] / p[index(1)].max(1e-9)).ln();
    let told = model["difference"].as_f64().unwrap();
    assert!(told > 0.0 && (told.min(9.0) - odds.min(9.0)).abs() < 0.05 * odds.abs() + 0.05, "{told} {odds}");
}

#[test]
fn a_place_without_a_candidate_has_its_reasons() {
    let bases = random_bases(3000, 7);
    let at = |position: usize| if bases.as_bytes()[position] == b'A' { "C" } else { "A" };
    let mut made = Made::new(&bases);
    made.reads_of("most", &[], 5, 1);
    // Two of some thirty reads: a share too small.
    let (from, to) = (&bases[1500..1501], at(1500));
    let haplotype = format!("{}{to}{}", &bases[..1500], &bases[1501..]);
    for (i, start) in [1390, 1430].into_iter().enumerate() {
        made.read(&format!("odd-{i}"), i == 0, start, "150M", &haplotype[start..start + 150]);
    }
    made.finish();
    let [reference, reads] = ["ref.fa", "reads.bam"].map(|name| text(&made.path(name)));
    let of =
        |place: &str| varpix(&["explain", "--ref", &reference, "--reads", &reads, "--region", place]).succeeds().stdout;
    let said = of("c1:1501");
    assert!(said.contains(&format!("{from}>{to}: 2 reads")) && said.contains("too small a share"), "{said}");
    assert!(said.contains("no call: no alternative allele has enough reads"), "{said}");
    let said = of("c1:1300");
    assert!(said.contains("no call: all reads that count show the reference"), "{said}");
    assert!(of("c1:2999-3000").is_empty(), "nothing to tell");
}

#[test]
fn reads_that_are_left_out_are_counted() {
    let bases = random_bases(2000, 3);
    let mut made = Made::new(&bases);
    made.reads_of("most", &[Change(900, &bases[900..901], if &bases[900..901] == "G" { "T" } else { "G" })], 10, 1);
    made.finish();
    let bam = text(&made.path("reads.bam"));
    let sam = tool("samtools", &["view", "-h", &bam]);
    // Every third read becomes a duplicate.
    let mut number = 0;
    let marked: String = sam
        .lines()
        .map(|line| {
            let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            if !line.starts_with('@') {
                number += 1;
                if number % 3 == 0 {
                    columns[1] = (columns[1].parse::<u32>().unwrap() | 1024).to_string();
                }
            }
            columns.join("\t") + "\n"
        })
        .collect();
    std::fs::write(made.path("marked.sam"), marked).unwrap();
    tool("samtools", &["view", "-b", "-o", &bam, &text(&made.path("marked.sam"))]);
    tool("samtools", &["index", &bam]);
    let reference = text(&made.path("ref.fa"));
    let json = varpix(&["explain", "--ref", &reference, "--reads", &bam, "--region", "c1:901", "--json"]).succeeds();
    let told = &stories(&json)[0];
    let duplicates = tool("samtools", &["view", "-c", "-f", "1024", &bam, "c1:901-901"]);
    assert_eq!(told["reads"]["left_out"][0][0], "duplicate");
    assert_eq!(told["reads"]["left_out"][0][1].to_string(), duplicates.trim());
    let all = tool("samtools", &["view", "-c", &bam, "c1:901-901"]);
    assert_eq!(told["reads"]["over_site"].to_string(), all.trim());
}

#[test]
fn variants_have_stories_too() {
    let world = World::new();
    let truth = text(&testdata("truth.vcf.gz"));
    let all = ["--variants", truth.as_str(), "--all", "--story", "--json", "--regions", "chrA:1-20000"];
    let told = stories(&explain(&world, &all).succeeds());
    assert!(told.len() > 10 && told.iter().all(|story| !story["call"].is_null()), "{}", told.len());
    explain(&world, &["--variants", &truth, "--json"]).fails(2, &["--story"]);
    explain(&world, &[]).fails(2, &[]);
    explain(&world, &["--region", "chrA:5", "--classify"]).fails(2, &[]);
}
