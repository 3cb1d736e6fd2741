//! No read is lost or doubted for how its record is written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::world::{Outcome, World, testdata, text, tool, varpix};

const LENGTH: usize = 1500;
const READ: usize = 100;
/// A heterozygous and a homozygous substitution and a heterozygous deletion of 4 bp, 0-based.
const HET: usize = 500;
const HOM: usize = 700;
const DELETION: std::ops::Range<usize> = 901..905;

/// A folder with a contig `c1`, and reads on it that are written as a test says.
struct Sample {
    folder: tempfile::TempDir,
    reference: Vec<u8>,
}

/// What a test does to a record.
type Change = fn(&mut Record);

/// A record, its columns as SAM has them but for the tags.
#[derive(Clone, Debug)]
struct Record {
    name: String,
    flags: u16,
    start: usize,
    cigar: String,
    mate: &'static str,
    mate_start: usize,
    template: i64,
    bases: String,
    qualities: String,
    group: &'static str,
}

impl Sample {
    fn new() -> Self {
        let mut random = Pcg64::seed_from_u64(5);
        let reference: Vec<u8> = (0..LENGTH).map(|_| b"ACGT"[random.random_range(0..4)]).collect();
        let folder = tempfile::tempdir().unwrap();
        let fasta = folder.path().join("ref.fa");
        std::fs::write(&fasta, [b">c1\n", reference.as_slice(), b"\n"].concat()).unwrap();
        tool("samtools", &["faidx", &text(&fasta)]);
        Self { folder, reference }
    }

    /// Pairs of `depth` in all, of both haplotypes in turn and on both strands, with errors of low quality.
    fn pairs(&self, depth: usize) -> Vec<Record> {
        let mut random = Pcg64::seed_from_u64(9);
        let mut all = Vec::new();
        for pair in 0..depth * LENGTH / (2 * READ) {
            let fragment = random.random_range(250..350);
            let start = random.random_range(0..LENGTH - fragment);
            let ends = [start, start + fragment - READ];
            let forward: [u16; 2] = if pair % 4 < 2 { [99, 147] } else { [163, 83] };
            for (i, sign) in [(0, 1), (1, -1)] {
                let mut record = self.record(ends[i], pair % 2 == 1, &mut random);
                record.name = format!("r{pair}");
                (record.flags, record.mate, record.mate_start) = (forward[i], "=", ends[1 - i] + 1);
                record.template = sign * i64::try_from(fragment).unwrap();
                all.push(record);
            }
        }
        all
    }

    /// `n` single reads from one start, of both haplotypes in turn.
    fn stacked(&self, n: usize, start: usize) -> Vec<Record> {
        let mut random = Pcg64::seed_from_u64(7);
        let record = |i| Record { name: format!("r{i}"), ..self.record(start, i % 2 == 1, &mut random) };
        (0..n).map(record).collect()
    }

    fn record(&self, start: usize, second: bool, random: &mut Pcg64) -> Record {
        // The second haplotype lacks the deletion's bases.
        let (mut bases, mut gap) = (Vec::new(), None);
        let mut position = start;
        while bases.len() < READ {
            if second && position == DELETION.start && !bases.is_empty() {
                gap = Some(bases.len());
                position = DELETION.end;
            }
            let own = self.reference[position];
            bases.push(if position == HOM || (second && position == HET) { other(own) } else { own });
            position += 1;
        }
        let mut qualities = vec![b'F'; READ];
        for i in 0..READ {
            if random.random_bool(0.001) {
                (bases[i], qualities[i]) = (b"ACGT"[random.random_range(0..4)], b'-');
            }
        }
        let cigar = gap.map_or(format!("{READ}M"), |at| format!("{at}M{}D{}M", DELETION.len(), READ - at));
        Record {
            name: String::new(),
            flags: 0,
            start,
            cigar,
            mate: "*",
            mate_start: 0,
            template: 0,
            bases: String::from_utf8(bases).unwrap(),
            qualities: String::from_utf8(qualities).unwrap(),
            group: "a",
        }
    }

    fn reference(&self) -> PathBuf {
        self.folder.path().join("ref.fa")
    }

    /// Writes a sorted, indexed BAM or CRAM, by its name.
    fn write(&self, name: &str, mut records: Vec<Record>) -> PathBuf {
        records.sort_by_key(|record| record.start);
        let mut sam = format!("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c1\tLN:{LENGTH}\n@SQ\tSN:c2\tLN:500\n");
        sam += "@RG\tID:a\tSM:s\n@RG\tID:b\tSM:s\n";
        for r in records {
            let start = r.start + 1;
            write!(sam, "{}\t{}\tc1\t{start}\t60\t{}\t{}\t", r.name, r.flags, r.cigar, r.mate).unwrap();
            writeln!(sam, "{}\t{}\t{}\t{}\tRG:Z:{}", r.mate_start, r.template, r.bases, r.qualities, r.group).unwrap();
        }
        let (from, to) = (self.folder.path().join("reads.sam"), self.folder.path().join(name));
        std::fs::write(&from, sam).unwrap();
        let format = if to.extension().is_some_and(|e| e == "cram") { "-C" } else { "-b" };
        let reference = text(&self.reference());
        tool("samtools", &["view", format, "--no-PG", "-T", &reference, "-o", &text(&to), &text(&from)]);
        tool("samtools", &["index", &text(&to)]);
        to
    }

    fn call(&self, reads: &[PathBuf], extra: &[&str]) -> (Outcome, Vec<String>) {
        let vcf = self.folder.path().join("out.vcf");
        let reads = reads.iter().map(|path| text(path)).collect::<Vec<_>>().join(",");
        let mut args = vec!["call", "--emit-ref-calls", "--threads", "2"];
        let (reference, vcf_path) = (text(&self.reference()), text(&vcf));
        args.extend(["--ref", &reference, "--reads", &reads, "--output-vcf", &vcf_path]);
        args.extend(extra);
        let outcome = varpix(&args).succeeds();
        (outcome, calls(&vcf))
    }
}

fn other(base: u8) -> u8 {
    if base == b'A' { b'C' } else { b'A' }
}

/// Position, filter, genotype and allele depths of each call.
fn calls(vcf: &Path) -> Vec<String> {
    let listed = tool("bcftools", &["query", "-f", "%POS %FILTER [%GT %AD]\n", &text(vcf)]);
    listed.lines().map(str::to_owned).collect()
}

/// Position and genotype of those that pass.
fn passing(calls: &[String]) -> Vec<String> {
    let words = |call: &String| call.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let all = calls.iter().map(words).filter(|words| words[1] == "PASS");
    all.map(|words| format!("{} {}", words[0], words[2])).collect()
}

/// What is to be called of [`Sample::pairs`].
fn all_three(sample: &Sample) -> Vec<String> {
    // The deletion is written leftmost.
    let mut left = DELETION.start;
    while sample.reference[left - 1] == sample.reference[left + DELETION.len() - 1] {
        left -= 1;
    }
    vec![format!("{} 0/1", HET + 1), format!("{} 1/1", HOM + 1), format!("{left} 0/1")]
}

#[test]
fn reads_without_names_are_different_reads() {
    let sample = Sample::new();
    let mut records = sample.stacked(40, HET - 40);
    for record in &mut records {
        record.name = "*".into();
    }
    let reads = sample.write("reads.bam", records);
    assert_eq!(sample.call(&[reads], &[]).1, [format!("{} PASS 0/1 20,20", HET + 1)]);
}

#[test]
fn names_shared_by_files_and_read_groups_are_of_different_reads() {
    let sample = Sample::new();
    let expected = [format!("{} PASS 0/1 30,30", HET + 1)];
    // Neighbours share a name: one of each haplotype, from the same start.
    let mut records = sample.stacked(60, HET - 40);
    for (i, record) in records.iter_mut().enumerate() {
        record.name = format!("r{}", i / 2);
    }
    let by_group = |i: usize| if i.is_multiple_of(2) { "a" } else { "b" };
    let groups = records.iter().cloned().enumerate().map(|(i, record)| Record { group: by_group(i), ..record });
    let one_file = sample.write("reads.bam", groups.collect());
    assert_eq!(sample.call(&[one_file], &[]).1, expected);
    let half = |keep: usize| records.iter().cloned().enumerate().filter(move |(i, _)| i % 2 == keep).map(|(_, r)| r);
    let files = [sample.write("1.bam", half(0).collect()), sample.write("2.bam", half(1).collect())];
    assert_eq!(sample.call(&files, &[]).1, expected);
}

#[test]
fn a_record_that_stands_twice_is_one_read() {
    let sample = Sample::new();
    let mut records = sample.stacked(40, HET - 40);
    records.push(records[1].clone());
    let reads = sample.write("reads.bam", records);
    assert_eq!(sample.call(&[reads], &[]).1, [format!("{} PASS 0/1 20,20", HET + 1)]);
}

#[test]
fn bases_without_qualities_count() {
    let sample = Sample::new();
    let mut records = sample.pairs(40);
    for record in &mut records {
        record.qualities = "*".into();
    }
    let n = records.len();
    for file in ["reads.bam", "reads.cram"] {
        let reads = sample.write(file, records.clone());
        let (outcome, calls) = sample.call(&[reads], &[]);
        assert_eq!(passing(&calls), all_three(&sample), "{file}");
        let warnings: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("lack base qualities")).collect();
        assert!(warnings.len() == 1 && warnings[0].contains("quality 30 is assumed"), "{file}: {}", outcome.stderr);
    }
    // Some have them, some do not.
    records = sample.pairs(40);
    records.iter_mut().take(n / 2).for_each(|record| record.qualities = "*".into());
    let reads = sample.write("reads.bam", records);
    let (outcome, calls) = sample.call(&[reads], &[]);
    assert_eq!(passing(&calls), all_three(&sample));
    assert!(outcome.stderr.contains("lack base qualities"), "{}", outcome.stderr);
}

#[test]
fn mates_of_unknown_position_do_not_matter() {
    let sample = Sample::new();
    let mut records = sample.pairs(40);
    for record in &mut records {
        record.flags &= !0x22;
        (record.mate, record.mate_start, record.template) = ("*", 0, 0);
    }
    let reads = sample.write("reads.bam", records);
    let (outcome, calls) = sample.call(&[reads], &[]);
    assert_eq!(passing(&calls), all_three(&sample));
    assert_eq!(outcome.row("filtered by flags or MAPQ"), 0);
}

#[test]
fn filters_that_take_most_reads_are_named_and_can_be_turned_off() {
    let sample = Sample::new();
    let elsewhere: Change = |record| {
        record.flags &= !0x2;
        (record.mate, record.mate_start, record.template) = ("c2", 100, 0);
    };
    let changes: [(&str, &str, Change); 4] = [
        ("mate on another contig", "--keep-mates-on-other-contigs", elsewhere),
        ("duplicate", "--keep-duplicates", |record| record.flags |= 0x400),
        ("secondary", "--keep-secondary", |record| record.flags |= 0x100),
        ("supplementary", "--keep-supplementary", |record| record.flags |= 0x800),
    ];
    for (reason, flag, change) in changes {
        let mut records = sample.pairs(40);
        records.iter_mut().for_each(change);
        let reads = [sample.write("reads.bam", records)];
        let (outcome, calls) = sample.call(&reads, &[]);
        let warning = outcome.stderr.lines().find(|line| line.contains("were filtered out")).expect("a warning");
        assert!(calls.is_empty() && warning.contains(reason) && warning.contains(flag), "{warning}");
        assert_eq!(outcome.row(&format!("    {reason}")), outcome.row("filtered by flags or MAPQ"));
        let (outcome, calls) = sample.call(&reads, &[flag]);
        assert_eq!(passing(&calls), all_three(&sample), "{flag}");
        let log = outcome.stderr;
        assert!(log.contains(&format!("{flag}: model wgs")) && !log.contains("were filtered out"), "{log}");
    }
}

#[test]
fn the_lowest_mapping_quality_is_an_option() {
    let sample = Sample::new();
    let reads = [sample.write("reads.bam", sample.pairs(40))];
    let (outcome, calls) = sample.call(&reads, &["--min-mapping-quality", "61"]);
    assert!(calls.is_empty() && outcome.stderr.contains("low mapping quality: --min-mapping-quality"));
    assert_eq!(passing(&sample.call(&reads, &["--min-mapping-quality", "60"]).1), all_three(&sample));
}

#[test]
fn single_reads_are_called_as_pairs_are() {
    let sample = Sample::new();
    let reads = [sample.write("reads.bam", sample.stacked(30, HET - 40))];
    assert_eq!(sample.call(&reads, &[]).1, [format!("{} PASS 0/1 15,15", HET + 1)]);
    // The test data with TLEN set to 0, and without mates at all.
    let qualities = |change: fn(&mut Vec<String>)| {
        let mut world = World::new();
        let sam = tool("samtools", &["view", "-h", &text(&testdata("reads.bam"))]);
        let changed = sam.lines().map(|line| {
            let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            if !line.starts_with('@') {
                change(&mut columns);
            }
            columns.join("\t") + "\n"
        });
        let changed = world.write("changed.sam", changed.collect::<String>().as_bytes());
        world.reads = world.path("changed.bam");
        tool("samtools", &["view", "-b", "--no-PG", "-o", &text(&world.reads), &text(&changed)]);
        tool("samtools", &["index", &text(&world.reads)]);
        world.call(&["--regions", "chrA", "chrB"]).succeeds();
        let listed = tool("bcftools", &["query", "-i", "FILTER=\"PASS\"", "-f", "%QUAL\n", &text(&world.vcf)]);
        listed.lines().map(|quality| quality.parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let zero = |columns: &mut Vec<String>| columns[8] = "0".into();
    let single = |columns: &mut Vec<String>| {
        let flags: u16 = columns[1].parse().unwrap();
        columns[0] += if flags & 0x40 == 0 { "/2" } else { "/1" };
        columns[1] = (flags & 0x10).to_string();
        (columns[6], columns[7], columns[8]) = ("*".into(), "0".into(), "0".into());
    };
    let mean = |all: &[f64]| all.iter().sum::<f64>() / f64::from(u32::try_from(all.len()).unwrap());
    let paired = qualities(|_| ());
    for change in [zero, single] {
        let found = qualities(change);
        assert_eq!((paired.len(), found.len()), (257, 257));
        assert!((mean(&found) - mean(&paired)).abs() < 1.0, "{} and {}", mean(&found), mean(&paired));
    }
}

#[test]
fn deep_reads_are_called_as_others_are() {
    let sample = Sample::new();
    for depth in [600, 1500] {
        let reads = [sample.write("reads.bam", sample.pairs(depth))];
        for extra in [&[] as &[&str], &["--no-small-model"]] {
            let (_, calls) = sample.call(&reads, extra);
            assert_eq!(passing(&calls), all_three(&sample), "depth {depth} {extra:?}: {calls:?}");
        }
    }
}

#[test]
fn equal_signs_are_the_references_bases() {
    let mut world = World::new();
    let records = |world: &World| tool("bcftools", &["view", "-H", &text(&world.vcf)]);
    world.call(&[]).succeeds();
    let expected = records(&world);
    let sam = tool("samtools", &["calmd", "-e", &text(&world.reads), &text(&world.reference)]);
    assert!(sam.contains("\t====="));
    let sam = world.write("equal.sam", sam.as_bytes());
    world.reads = world.path("equal.bam");
    tool("samtools", &["view", "-b", "--no-PG", "-o", &text(&world.reads), &text(&sam)]);
    tool("samtools", &["index", &text(&world.reads)]);
    let realigned = world.path("realigned.bam");
    world.call(&["--realigned-bam", &text(&realigned)]).succeeds();
    assert_eq!(records(&world), expected);
    // Where a record was moved, an equal sign would mean another base than before.
    let moved = tool("samtools", &["view", "-d", "OA", &text(&realigned)]);
    assert!(!moved.is_empty() && moved.lines().all(|line| !line.split('\t').nth(9).unwrap().contains('=')));
}

#[test]
fn realigned_reads_without_names_keep_their_own_alignments() {
    let mut world = World::new();
    let realigned = world.path("realigned.bam");
    let columns = |bam: &Path| {
        let listed = tool("samtools", &["view", &text(bam)]);
        let mut lines: Vec<_> = listed.lines().map(|l| l.split('\t').skip(1).collect::<Vec<_>>().join("\t")).collect();
        lines.sort();
        lines
    };
    world.call(&["--realigned-bam", &text(&realigned)]).succeeds();
    let expected = columns(&realigned);
    let sam = tool("samtools", &["view", "-h", &text(&world.reads)]);
    let nameless = |line: &str| match line.split_once('\t') {
        Some((name, rest)) if !name.starts_with('@') => format!("*\t{rest}\n"),
        _ => format!("{line}\n"),
    };
    let sam = world.write("nameless.sam", sam.lines().map(nameless).collect::<String>().as_bytes());
    world.reads = world.path("nameless.bam");
    tool("samtools", &["view", "-b", "--no-PG", "-o", &text(&world.reads), &text(&sam)]);
    tool("samtools", &["index", &text(&world.reads)]);
    world.call(&["--realigned-bam", &text(&realigned)]).succeeds();
    assert_eq!(columns(&realigned), expected);
}
