//! `varpix call --realigned-bam` and `varpix explain`.

use std::collections::BTreeMap;
use std::path::Path;

use rust_htslib::bam::{self, Read as _, record::Aux};

use crate::world::{World, testdata, text, varpix};

const REGION: &str = "chrA:20001-40000";

struct Seen {
    place: (i64, String),
    content: (Vec<u8>, Vec<u8>, u8),
    before: Option<String>,
}

/// Records of 20,001-40,000 by name and flags, and whether they come in order.
fn records(path: &Path) -> (BTreeMap<(Vec<u8>, u16), Seen>, bool) {
    let mut reader = bam::IndexedReader::from_path(path).unwrap();
    reader.fetch(("chrA", 20_000, 40_000)).unwrap();
    let (mut seen, mut order) = (BTreeMap::new(), Vec::new());
    for record in reader.records() {
        let record = record.unwrap();
        order.push(record.pos());
        let content = (record.seq().as_bytes(), record.qual().to_vec(), record.mapq());
        let before = match record.aux(b"OA") {
            Ok(Aux::String(old)) => Some(old.to_owned()),
            _ => None,
        };
        let place = (record.pos(), record.cigar().to_string());
        let twice = seen.insert((record.qname().to_vec(), record.flags()), Seen { place, content, before });
        assert!(twice.is_none(), "a record was written twice");
    }
    (seen, order.is_sorted())
}

#[test]
fn realigned_reads_are_the_files_reads_in_better_places() {
    let world = World::new();
    let out = world.path("realigned.bam");
    world.call(&["--regions", REGION, "--realigned-bam", &text(&out)]).succeeds();
    let (ours, sorted) = records(&out);
    let (source, _) = records(&world.reads);
    assert!(sorted && ours.len() > 1000);
    let mut moved = 0;
    for (key, now) in &ours {
        let was = &source[key];
        assert_eq!(now.content, was.content);
        if now.place == was.place {
            assert_eq!(now.before, None);
        } else {
            moved += 1;
            let old = format!("chrA,{},", was.place.0 + 1);
            let before = now.before.as_ref().unwrap();
            assert!(before.starts_with(&old) && before.contains(&format!(",{},", was.place.1)), "{before}");
        }
    }
    assert!(moved > 0, "no read was moved");
    // None is lost but those that the filter drops.
    let usable = |(name, flags): &&(Vec<u8>, u16)| flags & 0xf04 == 0 && source[&(name.clone(), *flags)].content.2 >= 5;
    assert!(source.keys().filter(usable).all(|key| ours.contains_key(key)));
    // It is a BAM that can be called from.
    let again = World::new();
    std::fs::copy(&out, &again.reads).unwrap();
    std::fs::copy(world.path("realigned.bam.bai"), again.path("reads.bam.bai")).unwrap();
    again.call(&["--regions", REGION]).succeeds();
}

/// Mates' records agree on where both are, how far apart, and by which alignments.
#[track_caller]
fn mates_agree(path: &Path) -> usize {
    let mut reader = bam::Reader::from_path(path).unwrap();
    let all: Vec<bam::Record> = reader.records().map(Result::unwrap).collect();
    let key = |r: &bam::Record, number: bool| (r.qname().to_vec(), number);
    let by_read: BTreeMap<_, _> = all.iter().map(|r| (key(r, r.is_last_in_template()), r)).collect();
    let end = |r: &bam::Record| if r.is_reverse() { r.cigar().end_pos() } else { r.pos() };
    let mut moved = 0;
    for record in &all {
        let Some(mate) = by_read.get(&key(record, !record.is_last_in_template())) else { continue };
        let name = String::from_utf8_lossy(record.qname()).into_owned();
        assert_eq!((record.mtid(), record.mpos()), (mate.tid(), mate.pos()), "{name}");
        if let Ok(Aux::String(cigar)) = record.aux(b"MC") {
            assert_eq!(cigar, mate.cigar().to_string(), "{name}");
        }
        let apart = if record.tid() == mate.tid() { end(mate) - end(record) } else { 0 };
        assert_eq!(record.insert_size(), apart, "{name}");
        moved += usize::from(record.aux(b"OA").is_ok());
    }
    moved
}

#[test]
fn mates_know_of_moves() {
    let mut world = World::new();
    let fixed = text(&world.path("fixed.bam"));
    let line = format!(
        "samtools collate -Ou {} | samtools fixmate -m -u - - | samtools sort -o {fixed} -",
        text(&world.reads)
    );
    crate::world::tool("bash", &["-c", &line]);
    crate::world::tool("samtools", &["index", &fixed]);
    world.reads = fixed.clone().into();
    let out = world.path("realigned.bam");
    world.call(&["--regions", "chrA", "--realigned-bam", &text(&out)]).succeeds();
    assert!(mates_agree(&out) > 20);
    crate::world::tool("samtools", &["quickcheck", &text(&out)]);
    // Mates far apart and on both contigs: each read gets the one half the file away.
    let mut reader = bam::Reader::from_path(&fixed).unwrap();
    let header = bam::Header::from_template(reader.header());
    let records: Vec<bam::Record> = reader.records().map(Result::unwrap).collect();
    let end = |r: &bam::Record| if r.is_reverse() { r.cigar().end_pos() } else { r.pos() };
    let far = text(&world.path("far.bam"));
    let mut writer = bam::Writer::from_path(&far, &header, bam::Format::Bam).unwrap();
    let half = records.len() / 2;
    for (i, record) in records.iter().enumerate().take(half * 2) {
        let mate = &records[if i < half { i + half } else { i - half }];
        let mut record = record.clone();
        record.set_qname(format!("pair-{}", i % half).as_bytes());
        let strands = if record.is_reverse() { 0x10 } else { 0 } + if mate.is_reverse() { 0x20 } else { 0 };
        record.set_flags(1 | strands | if i < half { 0x40 } else { 0x80 });
        record.set_mtid(mate.tid());
        record.set_mpos(mate.pos());
        record.set_insert_size(if record.tid() == mate.tid() { end(mate) - end(&record) } else { 0 });
        record.remove_aux(b"MC").unwrap();
        record.push_aux(b"MC", Aux::String(&mate.cigar().to_string())).unwrap();
        writer.write(&record).unwrap();
    }
    drop(writer);
    crate::world::tool("samtools", &["index", &far]);
    world.reads = far.into();
    world.call(&["--regions", "chrA", "chrB", "--realigned-bam", &text(&out)]).succeeds();
    assert!(mates_agree(&out) > 20);
}

#[test]
fn calls_do_not_change_with_it() {
    let (plain, with) = (World::new(), World::new());
    plain.call(&["--regions", REGION, "--threads", "3"]).succeeds();
    with.call(&["--regions", REGION, "--realigned-bam", &text(&with.path("realigned.bam"))]).succeeds();
    assert_eq!(std::fs::read(&plain.vcf).unwrap(), std::fs::read(&with.vcf).unwrap());
}

#[test]
fn a_place_it_cannot_go_to_is_said_before_any_work() {
    let world = World::new();
    world.call(&["--realigned-bam", "reads.sam"]).fails(2, &["--realigned-bam", ".bam"]);
    world.call(&["--realigned-bam", "/no/such/folder/reads.bam"]).fails(4, &["/no/such/folder"]);
    assert!(world.outputs().is_empty());
}

fn explain(world: &World, variants: &str, more: &[&str]) -> crate::world::Outcome {
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let mut args = vec!["explain", "--ref", &reference, "--reads", &reads, "--variants", variants];
    args.extend(more);
    varpix(&args)
}

#[test]
fn known_variants_are_explained() {
    let world = World::new();
    let truth = text(&testdata("truth.vcf.gz"));
    let all = explain(&world, &truth, &["--all"]).succeeds();
    let rows: Vec<Vec<&str>> = all.stdout.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let found = rows.iter().filter(|row| row[6].starts_with("candidate")).count();
    assert!(rows.len() > 100 && found * 100 >= rows.len() * 98, "{found} of {}", rows.len());
    assert!(rows.iter().all(|row| row.len() == 8));
    assert!(all.stderr.contains("indels:"), "{}", all.stderr);
    let missed = explain(&world, &truth, &[]).succeeds();
    assert_eq!(missed.stdout.lines().count() - 1, rows.len() - found);
    let called = explain(&world, &truth, &["--classify", "--regions", "chrA:1-20000"]).succeeds();
    let called: Vec<Vec<&str>> = called.stdout.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let variants = called.iter().filter(|row| ["1", "2"].contains(&row[8])).count();
    assert!(called.len() > 10 && variants * 100 >= called.len() * 95, "{variants} of {}", called.len());
    assert!(called.iter().all(|row| row.len() == 11));
    #[cfg(feature = "torch")]
    assert!(called.iter().any(|row| row[10] == "small_model"), "{called:?}");
    // Without realignment no more of them are there.
    let plain = explain(&world, &truth, &["--no-realign"]).succeeds();
    assert!(plain.stdout.lines().count() >= missed.stdout.lines().count());
}

#[test]
fn a_variant_that_is_not_there_has_its_reason() {
    let world = World::new();
    let fasta = std::fs::read_to_string(&world.reference).unwrap();
    let base = fasta.lines().nth(1).unwrap().as_bytes()[30].to_ascii_uppercase();
    let alt = if base == b'A' { 'C' } else { 'A' };
    let lines = format!(
        "##fileformat=VCFv4.3\n##contig=<ID=chrA>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchrA\t31\t.\t{}\t{alt}\t.\t.\t.\n",
        char::from(base)
    );
    let vcf = world.write("known.vcf", lines.as_bytes());
    let said = explain(&world, &text(&vcf), &[]).succeeds();
    assert!(said.stdout.contains("no usable read"), "{}", said.stdout);
    explain(&world, "/no/such.vcf", &[]).fails(3, &["/no/such.vcf"]);
}
