//! Depths of deep regions, of sites however they are spelled, and of reads whose ends were trimmed.

use varpix::alignment_file::BamFile;
use varpix::candidates::Candidate;
use varpix::evidence::{EvidenceOptions, Gatherer};
use varpix::genome::ReferenceFile;
use varpix::pileup::ImageSpec;
use varpix::reads::BamSource;
use varpix::regions::Targets;

use crate::made::{Change, Made, READ, field, numbers, random_bases};
use crate::world::text;

const LENGTH: usize = 3000;
const SNP: usize = 1300;
const OTHER_SNP: usize = 1600;
const DELETION: usize = 2200;

/// A heterozygous complex variant (a SNP, a deletion and a SNP close by), a SNP and a deletion; `copies` reads of each haplotype begin at
/// every second base.
fn deep(copies: usize) -> Made {
    let mut reference = random_bases(LENGTH, 7);
    reference.replace_range(500..520, "ACGATCTGGTACCATAGGTC");
    reference.replace_range(SNP..=SNP, "A");
    reference.replace_range(OTHER_SNP..=OTHER_SNP, "A");
    reference.replace_range(DELETION..DELETION + 8, "CATGACGT");
    let mut made = Made::new(&reference);
    let changes = [Change(504, "TCTGGTACCATA", "ACTGATG"), Change(SNP, "A", "G"), Change(DELETION, "CATGA", "C")];
    made.reads_of("other", &[Change(OTHER_SNP, "A", "C")], 2, copies);
    made.reads_of("changed", &changes, 2, copies);
    made.finish();
    made
}

/// The candidates of all regions where at most so many reads of each are drawn.
fn candidates(made: &Made, max_reads: usize) -> Vec<Candidate> {
    let reference = ReferenceFile::new(&made.path("ref.fa")).unwrap();
    let reads = BamFile::new(&made.path("reads.bam"), reference.path()).unwrap();
    let options = EvidenceOptions { max_reads, ..EvidenceOptions::default() };
    let source = BamSource::open(std::slice::from_ref(&reads), reference.contigs(), options.reads()).unwrap();
    let mut gatherer = Gatherer::new(Box::new(source), reference.open().unwrap(), options, ImageSpec::default());
    let regions = Targets::whole(reference.contigs()).regions(1000);
    let all = regions.iter().map(|region| gatherer.gather(region).unwrap());
    all.flat_map(|evidence| {
        assert!(evidence.fetched.sampled_out == 0 || evidence.reads.len() == max_reads);
        evidence.candidates
    })
    .collect()
}

/// Position, alleles and all counts of a candidate.
fn shown(candidate: &Candidate) -> String {
    let alt = |alt: &varpix::candidates::AltAllele| {
        format!("{} {} {}", String::from_utf8_lossy(&alt.bases), alt.count, alt.reverse_count)
    };
    let alts: Vec<String> = candidate.alts.iter().map(alt).collect();
    format!(
        "{} {} {} {} of {}: {}",
        candidate.position,
        String::from_utf8_lossy(&candidate.reference),
        candidate.reference_count,
        candidate.reference_reverse_count,
        candidate.depth,
        alts.join(", ")
    )
}

#[test]
fn all_reads_are_counted_as_those_drawn_are_aligned() {
    // 300 reads deep: fewer than 300 show a change, so that all of them can be realigned at once.
    let made = deep(2);
    let counts = |max_reads| candidates(&made, max_reads).iter().map(shown).collect::<Vec<_>>();
    let (all, sampled) = (counts(1_000_000), counts(1500));
    assert!(all.len() >= 4, "{all:?}");
    assert_eq!(sampled, all);
}

#[test]
fn a_deep_site_has_the_depth_of_all_its_reads() {
    let made = deep(8);
    let called = made.call("out.vcf", &["--output-gvcf", &text(&made.path("out.g.vcf")), "--emit-ref-calls"]);
    let of = |position: usize| {
        let record = called.iter().find(|record| record[1] == (position + 1).to_string());
        record.unwrap_or_else(|| panic!("nothing at {}: {called:?}", position + 1))
    };
    // Reads of each haplotype begin at every second base, eight at each: 8 * 75 of them cover a position.
    let each = u32::try_from(8 * READ / 2).unwrap();
    assert_eq!((numbers(of(SNP), "DP"), numbers(of(SNP), "AD")), (vec![2 * each], vec![each, each]));
    for record in &called {
        let (ad, adf, adr) = (numbers(record, "AD"), numbers(record, "ADF"), numbers(record, "ADR"));
        assert!(ad.iter().zip(adf.iter().zip(&adr)).all(|(all, (f, r))| *all == f + r), "{record:?}");
        assert!(ad.iter().sum::<u32>() <= numbers(record, "DP")[0], "{record:?}");
    }
    // The complex variant and the deletion: nearly all reads of the haplotype show them, those that end beside them perhaps not.
    let complex: Vec<_> = called.iter().filter(|r| (490..530).contains(&r[1].parse::<usize>().unwrap())).collect();
    assert!(!complex.is_empty(), "{called:?}");
    for record in complex.into_iter().chain([of(DELETION)]) {
        let ad = numbers(record, "AD");
        assert!(ad.iter().all(|&n| n * 10 >= each * 9 && n <= each + each / 10), "{record:?}");
    }
    // So has the reference block between the SNPs.
    let gvcf = crate::made::records(&made.path("out.g.vcf"));
    let block = gvcf.iter().find(|record| record[4] == "<*>" && record[1] == (SNP + 2).to_string()).unwrap();
    assert_eq!((block[7].as_str(), numbers(block, "MIN_DP")), (format!("END={OTHER_SNP}").as_str(), vec![2 * each]));
    // The same bytes at other threads.
    made.call("again.vcf", &["--threads", "1", "--emit-ref-calls"]);
    assert_eq!(std::fs::read(made.path("again.vcf")).unwrap(), std::fs::read(made.path("out.vcf")).unwrap());
}

/// The other haplotype has a deletion over the site, so that no read shows the reference there; the network sees it.
#[cfg(feature = "torch")]
#[test]
fn an_allele_beside_the_other_haplotypes_deletion_is_heterozygous() {
    let mut reference = random_bases(LENGTH, 12);
    reference.replace_range(1100..1115, "TCAGGATCCTGACTA");
    let mut made = Made::new(&reference);
    made.reads_of("deleted", &[Change(1102, "AGGATCCTG", "A")], 4, 1);
    made.reads_of("changed", &[Change(1106, "T", "A")], 4, 1);
    made.finish();
    let calls = made.call("out.vcf", &[]);
    let genotypes: Vec<_> = calls.iter().map(|record| (record[1].as_str(), field(record, "GT"))).collect();
    assert_eq!(genotypes, [("1103", "0/1"), ("1107", "0/1")]);
    // Also where the region begins within the deletion, and where only that site is asked for.
    let of_part = made.call("part.vcf", &["--regions", "c1:1105-1200"]);
    assert_eq!(field(&of_part[0], "GT"), "0/1");
    let sites = made.sites("sites.vcf", &[(1106, "T".into(), "A".into())]);
    assert_eq!(field(&made.call("asked.vcf", &["--genotype-sites", &sites])[0], "GT"), "0/1");
}

#[test]
fn records_that_share_alleles_do_not_compete() {
    let mut reference = random_bases(LENGTH, 13);
    reference.replace_range(1200..1204, "GACG");
    let mut made = Made::new(&reference);
    made.reads_of("changed", &[Change(1202, "C", "G")], 4, 1);
    made.finish();
    let site = |from: &str, to: &str| (1202, from.to_owned(), to.to_owned());
    let asked = [site("C", "A"), site("C", "A,G"), site("C", "G"), site("C", "G,A"), site("CG", "GG")];
    let answers = made.call("out.vcf", &["--genotype-sites", &made.sites("sites.vcf", &asked)]);
    let genotypes: Vec<_> = answers.iter().map(|record| (record[4].as_str(), field(record, "GT"))).collect();
    assert_eq!(genotypes[2..], [("G", "1/1"), ("G,A", "1/1"), ("GG", "1/1")]);
    assert!(genotypes[1].0 == "A,G" && genotypes[1].1.ends_with("/2"), "{genotypes:?}");
    // Of an allele that no read has, nothing passes.
    assert!(genotypes[0].0 == "A" && answers[0][6] != "PASS", "{:?}", answers[0]);
}

/// What must be the same for all spellings of a variant.
fn evidence(record: &[String]) -> Vec<String> {
    ["GT", "GQ", "DP", "AD", "PL", "ADF", "ADR", "MQ"].map(|name| field(record, name).to_owned()).to_vec()
}

#[test]
fn a_site_is_the_call_however_it_is_spelled() {
    let mut reference = random_bases(LENGTH, 11);
    // A deletion of CTTG that begins before a region's border and may be written behind it, an insertion of AC, and neighbouring SNPs.
    reference.replace_range(990..1015, "GTACTTGCTTGCTTGCTTGCTAGTC");
    reference.replace_range(1500..1512, "TGACACACACTG");
    reference.replace_range(2000..2006, "GTACGT");
    let mut made = Made::new(&reference);
    let changes = [Change(992, "ACTTG", "A"), Change(1501, "G", "GAC"), Change(2002, "AC", "GT")];
    made.reads_of("reference", &[], 10, 1);
    made.reads_of("changed", &changes, 8, 1);
    made.finish();
    let called = made.call("called.vcf", &[]);
    let call = |position: usize| {
        let record = called.iter().find(|record| record[1] == (position + 1).to_string());
        record.unwrap_or_else(|| panic!("no call at {}: {called:?}", position + 1))
    };
    let site = |position: usize, length: usize, to: &str| {
        (position, reference[position..position + length].to_owned(), to.to_owned())
    };
    let of = |from: usize, to: usize| reference[from..to].to_owned();
    // Each with the call whose evidence it must have.
    let mut wanted: Vec<((usize, String, String), usize)> =
        (992..=1010).map(|at| (site(at, 5, &of(at, at + 1)), 992)).collect();
    wanted.retain(|((at, from, to), _)| {
        let rest = [&reference[..*at], to, &reference[at + from.len()..]].concat();
        rest == [&reference[..992], "A", &reference[997..]].concat()
    });
    assert!(wanted.len() >= 10, "{wanted:?}");
    wanted.push((site(980, 30, &(of(980, 993) + &of(997, 1010))), 992));
    for at in [1501, 1503, 1507, 1509] {
        let inserted = if at == 1501 { "AC" } else { &reference[at - 1..=at] };
        wanted.push((site(at, 1, &(of(at, at + 1) + inserted)), 1501));
    }
    wanted.push((site(1999, 5, &(of(1999, 2002) + "G" + &of(2003, 2004))), 2002));
    wanted.push((site(2002, 1, "G"), 2002));
    wanted.push((site(2002, 2, "GT"), 2002));
    wanted.push((site(2003, 1, "T"), 2003));
    wanted.sort();
    let asked: Vec<_> = wanted.iter().map(|(site, _)| site.clone()).collect();
    let answers = made.call("sites.vcf", &["--genotype-sites", &made.sites("all.vcf", &asked)]);
    let written: Vec<_> =
        answers.iter().map(|r| (r[1].parse::<usize>().unwrap() - 1, r[3].clone(), r[4].clone())).collect();
    assert_eq!(written, asked);
    for (answer, (site, anchor)) in answers.iter().zip(&wanted) {
        let expected = evidence(call(*anchor));
        // The joint spelling of two SNPs has their counts; its likelihoods are of an image of its own.
        let n = if site.2 == "GT" { [0, 2, 3, 5, 6, 7].as_slice() } else { &[0, 1, 2, 3, 4, 5, 6, 7] };
        let pick = |all: Vec<String>| n.iter().map(|&i| all[i].clone()).collect::<Vec<_>>();
        assert_eq!(pick(evidence(answer)), pick(expected), "{site:?}");
    }
}

#[test]
fn alleles_of_a_record_that_lie_apart_are_counted_read_by_read() {
    let mut reference = random_bases(LENGTH, 13);
    reference.replace_range(1000..1012, "GATCCATGACGT");
    let mut made = Made::new(&reference);
    // One haplotype lacks TCC, the other has another base behind it.
    made.reads_of("deletion", &[Change(1001, "ATCC", "A")], 10, 1);
    made.reads_of("snp", &[Change(1006, "T", "G")], 10, 1);
    made.finish();
    let span = |change: &str| (1001, reference[1001..1008].to_owned(), change.to_owned());
    let both = (1001, "ATCCATG".to_owned(), "AATG,ATCCAGG".to_owned());
    assert_eq!(both.1, reference[1001..1008]);
    let answers = made.call("sites.vcf", &["--genotype-sites", &made.sites("asked.vcf", &[span("AATG"), both])]);
    let (deletion, both) = (&answers[0], &answers[1]);
    let ad = numbers(both, "AD");
    assert_eq!((numbers(deletion, "AD")[1], ad[0], field(both, "GT")), (ad[1], 0, "1/2"), "{both:?}");
    assert!(ad[1] >= 12 && ad[2] >= 12 && numbers(both, "DP")[0] >= ad[1] + ad[2], "{both:?}");
}

/// Two amplicons that overlap; their primers, which have the reference's bases, are clipped so.
fn amplicons(clip: char, change: Change) -> Vec<Vec<String>> {
    let mut reference = random_bases(1000, 17);
    reference.replace_range(390..410, "GTCCATGACATTGCAGTACC");
    let mut made = Made::new(&reference);
    let Change(position, from, to) = change;
    assert_eq!(&reference[position..position + from.len()], from);
    let changed = [&reference[..position], to, &reference[position + from.len()..]].concat();
    for i in 0..40 {
        // Of the first amplicon 220-430, with the change; of the second 380-530, whose primer lies over it.
        let (first, second) = (&changed[280..410], &reference[400..530]);
        let [head, tail] = [&reference[380..400], &reference[410..430]];
        let (soft_first, soft_second) = ([first, tail].concat(), [head, second].concat());
        let name = |amplicon: &str| format!("{amplicon}-{i}");
        if clip == 'S' {
            made.read(&name("a"), i % 2 == 0, 280, "130M20S", &soft_first);
            made.read(&name("b"), i % 2 == 1, 400, "20S130M", &soft_second);
        } else {
            made.read(&name("a"), i % 2 == 0, 280, "130M20H", first);
            made.read(&name("b"), i % 2 == 1, 400, "20H130M", second);
        }
    }
    made.finish();
    let called = made.call("out.vcf", &["--emit-ref-calls"]);
    let plain = made.call("plain.vcf", &["--emit-ref-calls", "--no-realign"]);
    assert_eq!(called, plain, "nothing here is to be realigned");
    let said = made.run("said.vcf", &["--no-realign"]).succeeds().stderr;
    assert!(said.contains("--no-realign") && said.contains("overrides"), "{said}");
    called
}

#[test]
fn a_clipped_primer_is_no_evidence() {
    for change in [Change(399, "A", "C"), Change(396, "G", "T")] {
        let (soft, hard) = (amplicons('S', change), amplicons('H', change));
        assert_eq!(soft, hard);
        let record = soft.iter().find(|record| record[1] == (change.0 + 1).to_string()).unwrap();
        assert_eq!((field(record, "GT"), numbers(record, "AD")), ("1/1", vec![0, 40]), "{record:?}");
    }
}
