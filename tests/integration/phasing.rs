//! `varpix call --phase`, `--haplotagged-bam` and `--join-mnps`.

use std::collections::BTreeMap;
use std::path::Path;

use rust_htslib::bam::record::Aux;
use rust_htslib::bam::{self, Read as _};

use crate::world::{HEADER, World, testdata, text, tool, varpix};

/// A call: contig, position, REF, ALT, GT, PS.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    contig: String,
    position: u64,
    alleles: String,
    genotype: String,
    set: String,
}

fn rows(vcf: &Path, set: &str) -> Vec<Row> {
    let table = tool("bcftools", &["query", "-f", &format!("%CHROM %POS %REF,%ALT [%GT {set}]\n"), &text(vcf)]);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        Row {
            contig: fields[0].into(),
            position: fields[1].parse().unwrap(),
            alleles: fields[2].into(),
            genotype: fields[3].into(),
            set: fields[4].into(),
        }
    };
    table.lines().map(row).collect()
}

fn is_het(row: &Row) -> bool {
    let alleles: Vec<&str> = row.genotype.split(['|', '/']).collect();
    alleles.len() == 2 && alleles[0] != alleles[1]
}

#[test]
fn phases_are_those_of_the_truth() {
    let world = World::new();
    world.call(&["--phase", "--regions", "chrA", "chrB"]).succeeds();
    let calls = rows(&world.vcf, "%PS");
    let (pairs, switches) = switches(&calls);
    assert!(pairs >= 20, "{pairs} pairs of neighbours");
    assert_eq!(switches, 0, "of {pairs}");
    assert!(calls.iter().filter(|call| call.set == ".").all(|call| call.genotype.contains('/')));
    // A phase set is named by its first variant, which is written as 0|1 or 1|2.
    for call in calls.iter().filter(|call| call.set == call.position.to_string()) {
        assert!(["0|1", "1|2"].contains(&call.genotype.as_str()), "{call:?}");
        assert!(calls.iter().filter(|other| other.contig == call.contig && other.set == call.set).count() > 1);
    }
}

/// Pairs of neighbours in a phase set of which the truth knows both, and those of them that are phased otherwise there.
fn switches(calls: &[Row]) -> (usize, usize) {
    let truth: BTreeMap<(String, u64, String), String> = rows(&testdata("truth.vcf.gz"), ".")
        .into_iter()
        .map(|row| ((row.contig, row.position, row.alleles), row.genotype))
        .collect();
    let mut last: BTreeMap<(String, String), bool> = BTreeMap::new();
    let (mut pairs, mut switches) = (0, 0);
    for call in calls.iter().filter(|call| call.set != ".") {
        assert!(is_het(call) && call.genotype.contains('|'), "{call:?}");
        assert!(call.set.parse::<u64>().unwrap() <= call.position, "{call:?}");
        let Some(known) = truth.get(&(call.contig.clone(), call.position, call.alleles.clone())) else { continue };
        let swapped: String = call.genotype.chars().rev().collect();
        // Genotypes that are wrong have no phase to be compared.
        if *known != call.genotype && *known != swapped {
            continue;
        }
        let same = *known == call.genotype;
        if let Some(before) = last.insert((call.contig.clone(), call.set.clone()), same) {
            pairs += 1;
            switches += usize::from(before != same);
        }
    }
    (pairs, switches)
}

#[test]
fn given_sites_are_phased() {
    let sites = text(&testdata("truth.vcf.gz"));
    let (plain, phased) = (World::new(), World::new());
    plain.call(&["--genotype-sites", &sites, "--regions", "chrA", "chrB"]).succeeds();
    let bam = text(&phased.path("out.bam"));
    phased
        .call(&["--genotype-sites", &sites, "--phase", "--haplotagged-bam", &bam, "--regions", "chrA", "chrB"])
        .succeeds();
    // One record for each that was given, in the same order, and nothing but phases changes.
    assert_eq!(unphased(&view(&phased.vcf)), view(&plain.vcf));
    let calls = rows(&phased.vcf, "%PS");
    let (pairs, switches) = switches(&calls);
    assert!(pairs >= 20 && switches == 0, "{switches} of {pairs}");
    for call in calls.iter().filter(|call| call.set != ".") {
        assert!(calls.iter().any(|first| first.contig == call.contig && first.position.to_string() == call.set));
    }
    let (records, _) = tagged(Path::new(&bam), &phased.reference);
    assert!(records.iter().filter(|(_, (haplotype, _))| haplotype.is_some()).count() > 100);
}

/// The records without what phasing adds.
fn unphased(records: &str) -> String {
    let line = |line: &str| {
        let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let sample = fields.pop().unwrap();
        let format = fields.pop().unwrap();
        fields.push(format.strip_suffix(":PS").unwrap_or(&format).to_owned());
        let mut values: Vec<&str> = sample.split(':').collect();
        values.truncate(fields.last().unwrap().split(':').count());
        let mut alleles: Vec<&str> = values[0].split(['|', '/']).collect();
        alleles.sort_unstable();
        let genotype = alleles.join("/");
        values[0] = &genotype;
        fields.push(values.join(":"));
        fields.join("\t") + "\n"
    };
    records.lines().map(line).collect()
}

fn view(vcf: &Path) -> String {
    tool("bcftools", &["view", "-H", &text(vcf)])
}

#[test]
fn nothing_else_changes() {
    let (plain, phased) = (World::new(), World::new());
    let gvcf = |world: &World| world.path("out.g.vcf.gz");
    plain.call(&["--output-gvcf", &text(&gvcf(&plain))]).succeeds();
    phased.call(&["--output-gvcf", &text(&gvcf(&phased)), "--phase"]).succeeds();
    assert_eq!(unphased(&view(&phased.vcf)), view(&plain.vcf));
    assert_eq!(unphased(&view(&gvcf(&phased))), view(&gvcf(&plain)));
    // The gVCF has the same phases.
    let set = |vcf: &Path| {
        rows(vcf, "%PS").into_iter().filter(|row| row.set != ".").map(|row| (row.position, row.genotype, row.set))
    };
    assert!(set(&phased.vcf).count() > 4);
    assert!(set(&phased.vcf).eq(set(&gvcf(&phased))));
    let header = tool("bcftools", &["view", "-h", &text(&plain.vcf)]);
    assert!(!header.contains("ID=PS"));
}

#[test]
fn bytes_are_the_same_at_any_number_of_threads() {
    let called = |threads: &str| {
        let world = World::new();
        let (gvcf, bam) = (world.path("out.g.vcf.gz"), world.path("out.bam"));
        let regions = ["--regions", "chrA:1-40000", "chrB:30000-50000"];
        let outputs = ["--output-gvcf", &text(&gvcf), "--haplotagged-bam", &text(&bam)];
        let args: Vec<&str> =
            ["--phase", "--join-mnps", "2", "--threads", threads].into_iter().chain(regions).chain(outputs).collect();
        world.call(&args).succeeds();
        [world.vcf.clone(), gvcf, bam].map(|path| std::fs::read(path).unwrap())
    };
    let one = called("1");
    assert!(called("2") == one && called("4") == one);
}

#[test]
fn joined_chunks_are_the_whole() {
    let world = World::new();
    let [gvcf, bam] = ["out.g.vcf.gz", "out.bam"].map(|name| text(&world.path(name)));
    let (reference, reads, folder) = (text(&world.reference), text(&world.reads), text(&world.path("chunks")));
    let called = |more: &[&str]| {
        let how = ["--phase", "--phase-cut", "20000", "--join-mnps", "--regions", "chrA:1-60000"];
        let outputs = ["--output-gvcf", &gvcf, "--haplotagged-bam", &bam];
        world.call(&how.iter().chain(&outputs).chain(more).copied().collect::<Vec<_>>()).succeeds();
        (view(&world.vcf), view(Path::new(&gvcf)), tool("samtools", &["view", &bam]))
    };
    let whole = called(&[]);
    assert!(whole.0.contains('|'));
    let inputs = ["regions", "--ref", &reference, "--reads", &reads, "--regions", "chrA:1-60000"];
    let outputs = ["--chunks", "3", "--out-dir", &folder];
    let cut = ["--phase", "--phase-cut", "20000"];
    varpix(&inputs.into_iter().chain(outputs).chain(cut).collect::<Vec<_>>()).succeeds();
    let chunk = |n: usize| text(&Path::new(&folder).join(format!("chunk-000{n}.bed")));
    let parts: Vec<_> = (1..=3).map(|n| called(&["--chunk", &chunk(n)])).collect();
    assert_eq!(parts.iter().map(|part| part.0.as_str()).collect::<String>(), whole.0);
    assert_eq!(parts.iter().map(|part| part.1.as_str()).collect::<String>(), whole.1);
    // Each read once, with the same haplotype, also those over a cut.
    assert!(whole.2.contains("\tHP:i:1\t") && whole.2.contains("\tHP:i:2\t"));
    let records = parts.iter().map(|part| part.2.as_str()).collect::<String>();
    let differing = records.lines().zip(whole.2.lines()).find(|(found, expected)| found != expected);
    assert_eq!((differing, records.lines().count()), (None, whole.2.lines().count()));
    // One that ends where phase sets go on.
    world
        .call(&["--phase", "--chunk", &chunk(2), "--regions", "chrA:1-60000"])
        .fails(3, &["chunk-0002.bed", "chrA:20000", "varpix regions --phase"]);
}

type Tags = (Option<i64>, Option<i64>);

/// The records of a file with their tags HP and PS, and whether they are in order.
fn tagged(path: &Path, reference: &Path) -> (Vec<(bam::Record, Tags)>, bool) {
    let mut reader = bam::Reader::from_path(path).unwrap();
    reader.set_reference(reference).unwrap();
    let number = |record: &bam::Record, tag: &[u8]| match record.aux(tag) {
        Ok(Aux::U8(n)) => Some(i64::from(n)),
        Ok(Aux::U16(n)) => Some(i64::from(n)),
        Ok(Aux::I8(n)) => Some(i64::from(n)),
        Ok(Aux::I16(n)) => Some(i64::from(n)),
        Ok(Aux::I32(n)) => Some(i64::from(n)),
        Ok(Aux::U32(n)) => Some(i64::from(n)),
        _ => None,
    };
    let records: Vec<_> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let tags = (number(&record, b"HP"), number(&record, b"PS"));
            (record, tags)
        })
        .collect();
    let sorted = records.is_sorted_by_key(|(record, _)| (record.tid(), record.pos()));
    (records, sorted)
}

/// The base of a record at a position (0-based), where one is aligned.
fn base(record: &bam::Record, position: i64) -> Option<u8> {
    let at = record.cigar().read_pos(u32::try_from(position).unwrap(), false, false).ok()??;
    record.seq().as_bytes().get(at as usize).copied()
}

#[test]
fn reads_have_the_haplotypes_of_the_calls() {
    let world = World::new();
    let out = world.path("tagged.bam");
    // The source has tags of another phasing.
    let other = text(&world.path("other.bam"));
    let line = format!(
        "samtools view -h {} | awk -v OFS='\\t' '/^@/ {{print; next}} {{print $0, \"HP:i:9\", \"PS:i:7\"}}' | samtools view -b -o {other} -",
        text(&world.reads)
    );
    tool("bash", &["-c", &line]);
    tool("samtools", &["index", &other]);
    let mut world = world;
    world.reads = other.into();
    world.call(&["--phase", "--regions", "chrA:5001-45000", "--haplotagged-bam", &text(&out)]).succeeds();
    let (records, sorted) = tagged(&out, &world.reference);
    let of_region = tool("samtools", &["view", "-c", &text(&world.reads), "chrA:5001-45000"]);
    assert_eq!((records.len().to_string(), sorted), (of_region.trim().to_owned(), true));
    tool("samtools", &["quickcheck", &text(&out)]);
    assert_eq!(tool("samtools", &["view", "-c", &text(&out), "chrA:5001-45000"]), of_region);
    let header = tool("samtools", &["view", "-H", "--no-PG", &text(&out)]);
    assert!(header.lines().last().unwrap().ends_with("haplotagged reads"));
    let (mut right, mut all) = (0, 0);
    let calls = rows(&world.vcf, "%PS");
    for call in calls.iter().filter(|call| call.set != "." && call.alleles.len() == 3) {
        let alleles: Vec<u8> = call.alleles.bytes().step_by(2).collect();
        let of: Vec<u8> = call.genotype.split('|').map(|allele| alleles[allele.parse::<usize>().unwrap()]).collect();
        let position = i64::try_from(call.position).unwrap() - 1;
        let over = records.iter().filter(|(record, _)| record.pos() <= position && record.cigar().end_pos() > position);
        for (record, (haplotype, set)) in over {
            let Some(haplotype) = haplotype.filter(|_| set.unwrap().to_string() == call.set) else { continue };
            assert!(haplotype == 1 || haplotype == 2);
            let shown = base(record, position).filter(|base| of.contains(base));
            all += usize::from(shown.is_some());
            right += usize::from(shown == Some(of[usize::try_from(haplotype).unwrap() - 1]));
        }
    }
    assert!(all > 200 && right * 100 >= all * 98, "{right} of {all}");
    // Mates share their haplotype, what is not used has none, and nothing else is changed.
    let mut of_fragments: BTreeMap<Vec<u8>, Tags> = BTreeMap::new();
    for (record, tags) in records.iter().filter(|(record, _)| record.mapq() >= 5 && record.flags() & 0xf04 == 0) {
        let first = of_fragments.entry(record.qname().to_vec()).or_insert(*tags);
        assert_eq!(first, tags, "{}", String::from_utf8_lossy(record.qname()));
    }
    assert!(records.iter().all(|(record, tags)| record.mapq() >= 5 || *tags == (None, None)));
    let content = |path: &Path, region: &[&str]| {
        let view = ["view", "-x", "HP", "-x", "PS", "--no-PG"].map(str::to_owned);
        let args: Vec<String> =
            view.into_iter().chain([text(path)]).chain(region.iter().map(|r| (*r).to_owned())).collect();
        tool("samtools", &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(content(&out, &[]) == content(&world.reads, &["chrA:5001-45000"]), "records differ");
    // As a CRAM.
    let cram = world.path("tagged.cram");
    world.call(&["--phase", "--regions", "chrA:5001-45000", "--haplotagged-bam", &text(&cram)]).succeeds();
    let (of_cram, _) = tagged(&cram, &world.reference);
    let tags = |records: &[(bam::Record, Tags)]| {
        records.iter().map(|(record, tags)| (record.qname().to_vec(), record.pos(), *tags)).collect::<Vec<_>>()
    };
    assert!(tags(&of_cram) == tags(&records));
    assert!(world.path("tagged.cram.crai").exists() && world.path("tagged.bam.bai").exists());
}

#[test]
fn separate_targets_give_each_record_once() {
    let world = World::new();
    let out = world.path("tagged.bam");
    let bed =
        text(&world.write("targets.bed", b"chrA\t5000\t5100\nchrA\t5150\t5300\nchrA\t9000\t9100\nchrB\t100\t700\n"));
    world.call(&["--phase", "--regions", &bed, "--haplotagged-bam", &text(&out)]).succeeds();
    let (records, sorted) = tagged(&out, &world.reference);
    let expected = tool("samtools", &["view", "-c", "-M", "-L", &bed, &text(&world.reads)]);
    assert_eq!((records.len().to_string(), sorted), (expected.trim().to_owned(), true));
}

/// Twenty reads over two neighbouring SNPs of one haplotype: ten have both, ten none.
fn neighbours(world: &World, apart: usize) -> (u64, String, String) {
    let bases = world.bases();
    let position = 10_060;
    let other = |base: &str| if base == "A" { "G" } else { "A" };
    let changed = |text: &str| {
        let mut text = text.to_owned();
        for at in [0, apart] {
            let base = other(&text[at..=at]).to_owned();
            text.replace_range(at..=at, &base);
        }
        text
    };
    let read = |number: usize| {
        let start = 9_960 + number * 4;
        let sequence = &bases[start..start + 150];
        let at = position - start;
        let sequence = match number % 2 {
            0 => sequence.to_owned(),
            _ => format!("{}{}{}", &sequence[..at], changed(&sequence[at..=at + apart]), &sequence[at + apart + 1..]),
        };
        let flag = if number % 4 < 2 { 0 } else { 16 };
        format!("r{number}\t{flag}\tchrA\t{}\t60\t150M\t*\t0\t0\t{sequence}\t{}\tRG:Z:1\n", start + 1, "I".repeat(150))
    };
    let sam: Vec<_> = std::iter::once(HEADER.to_owned()).chain((0..24).map(read)).collect();
    let sam = text(&world.write("neighbours.sam", sam.concat().as_bytes()));
    tool("samtools", &["view", "-b", "-o", &text(&world.reads), &sam]);
    tool("samtools", &["index", &text(&world.reads)]);
    let reference = bases[position..=position + apart].to_owned();
    (position as u64 + 1, reference.clone(), changed(&reference))
}

#[test]
fn neighbouring_snps_are_joined_where_asked() {
    let world = World::new();
    let (position, reference, alt) = neighbours(&world, 1);
    world.call(&["--phase", "--regions", "chrA:9001-11000"]).succeeds();
    let apart = rows(&world.vcf, "%PS");
    assert_eq!(apart.iter().map(|row| row.genotype.as_str()).collect::<Vec<_>>(), ["0|1", "0|1"]);
    world.call(&["--phase", "--regions", "chrA:9001-11000", "--join-mnps"]).succeeds();
    let joined = rows(&world.vcf, "%PS");
    assert_eq!(joined.len(), 1);
    assert_eq!((joined[0].position, joined[0].alleles.clone()), (position, format!("{reference},{alt}")));
    assert_eq!((joined[0].genotype.as_str(), joined[0].set.clone()), ("0|1", position.to_string()));
    // Three bp apart: only if that is asked for; the bases between them are the reference's.
    let (position, reference, alt) = neighbours(&world, 3);
    world.call(&["--phase", "--regions", "chrA:9001-11000", "--join-mnps"]).succeeds();
    assert_eq!(rows(&world.vcf, "%PS").len(), 2);
    let gvcf = text(&world.path("out.g.vcf"));
    world.call(&["--phase", "--regions", "chrA:9001-11000", "--join-mnps", "3", "--output-gvcf", &gvcf]).succeeds();
    let joined = rows(&world.vcf, "%PS");
    assert_eq!(
        (joined.len(), joined[0].position, joined[0].alleles.clone()),
        (1, position, format!("{reference},{alt}"))
    );
    assert!(view(Path::new(&gvcf)).contains(&format!("\t{position}\t.\t{reference}\t{alt},<*>\t")));
}

#[test]
fn what_cannot_be_is_refused() {
    let world = World::new();
    world.call(&["--haplotagged-bam", "a.bam"]).fails(2, &[]);
    world.call(&["--join-mnps"]).fails(2, &[]);
    world.call(&["--phase", "--haplotagged-bam", "a.bam", "--resume"]).fails(2, &[]);
    let truth = text(&testdata("truth.vcf.gz"));
    world.call(&["--phase", "--join-mnps", "--genotype-sites", &truth]).fails(2, &[]);
    world.call(&["--phase", "--haplotagged-bam", "a.sam"]).fails(2, &["--haplotagged-bam", "a.sam", ".bam or .cram"]);
    world.call(&["--phase", "--haplotagged-bam", "/no/such/folder/a.bam"]).fails(4, &["/no/such/folder"]);
    assert!(world.outputs().is_empty());
}
