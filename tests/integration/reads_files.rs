//! Reads files that are not whole, not files, not in order, or given twice.

use std::fs;
use std::path::Path;

use rust_htslib::bam::{self, Read as _};
use varpix::alignment_file::{BamFile, RegionReader};
use varpix::error::Result;

use crate::world::{World, testdata, text, tool};

/// A CRAM of the test data in a scratch folder.
fn cram(world: &World, options: &[&str]) -> std::path::PathBuf {
    let (path, reference) = (world.path("reads.cram"), text(&world.reference));
    let output = ["-T", &reference, "-o", &text(&path), &text(&world.reads)];
    tool("samtools", &[&["view", "-C"], options, &output[..]].concat());
    tool("samtools", &["index", &text(&path)]);
    path
}

fn problem(world: &World, path: &Path) -> String {
    let error = BamFile::new(path, &world.reference).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    error.to_string()
}

#[test]
fn crams_of_all_versions_are_taken() {
    for version in ["2.1", "3.0", "3.1"] {
        let world = World::new();
        let path = cram(&world, &["--output-fmt-option", &format!("version={version}")]);
        BamFile::new(&path, &world.reference).unwrap();
    }
    let world = World::new();
    let several = ["--output-fmt-option", "slices_per_container=5", "--output-fmt-option", "seqs_per_slice=500"];
    BamFile::new(&cram(&world, &several), &world.reference).unwrap();
}

#[test]
fn a_cram_without_its_end_is_cut_short() {
    for (version, end) in [("2.1", 30), ("3.0", 38)] {
        let world = World::new();
        let path = cram(&world, &["--output-fmt-option", &format!("version={version}")]);
        let whole = fs::read(&path).unwrap();
        for kept in [whole.len() - end, whole.len() - 1, whole.len() / 2, 100, 10] {
            fs::write(&path, &whole[..kept]).unwrap();
            assert!(problem(&world, &path).contains("cut short"), "{version}, {kept} bytes");
        }
    }
}

#[test]
fn a_cram_cut_between_containers_is_refused_unless_indexed_anew() {
    let world = World::new();
    let path = cram(&world, &["--output-fmt-option", "seqs_per_slice=1000"]);
    let (whole, crai) = (fs::read(&path).unwrap(), world.path("reads.cram.crai"));
    let lines = tool("bash", &["-c", &format!("zcat '{}'", text(&crai))]);
    let middle: usize = lines.lines().nth(10).unwrap().split('\t').nth(3).unwrap().parse().unwrap();
    fs::write(&path, [&whole[..middle], &whole[whole.len() - 38..]].concat()).unwrap();
    let problem = problem(&world, &path);
    assert!(problem.contains("reads.cram.crai: is not the index of"), "{problem}");
}

#[test]
fn a_cram_of_any_name_is_a_cram() {
    let mut world = World::new();
    world.call(&[]).succeeds();
    let calls = |world: &World| tool("bcftools", &["view", "-H", &text(&world.vcf)]);
    let from_bam = calls(&world);
    let path = cram(&world, &[]);
    for name in ["input", "input.bam"] {
        fs::copy(&path, world.path(name)).unwrap();
        fs::copy(world.path("reads.cram.crai"), world.path(&format!("{name}.crai"))).unwrap();
        world.reads = world.path(name);
        world.call(&[]).succeeds();
        assert_eq!(calls(&world), from_bam, "{name}");
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let mut world = World::new();
    let pipe = world.path("pipe.bam");
    tool("mkfifo", &[&text(&pipe)]);
    fs::create_dir(world.path("folder.bam")).unwrap();
    for (path, words) in [
        (text(&pipe), "is a pipe"),
        (text(&world.path("folder.bam")), "is a folder"),
        ("/dev/stdin".into(), "standard input"),
        ("/dev/fd/0".into(), "standard input"),
        ("/dev/null".into(), "is a device"),
        ("-".into(), "standard input"),
        ("https://example.org/reads.bam".into(), "over the network"),
        ("s3://bucket/reads.bam".into(), "over the network"),
    ] {
        world.reads = path.into();
        world.call(&[]).fails(3, &[words]);
    }
    // An index that is none.
    world.reads = world.path("reads.bam");
    fs::rename(&pipe, world.path("reads.bam.bai")).unwrap();
    world.call(&[]).fails(3, &["reads.bam.bai", "is a pipe"]);
}

#[test]
fn the_same_reads_twice_are_refused() {
    let world = World::new();
    fs::hard_link(&world.reads, world.path("hard.bam")).unwrap();
    std::os::unix::fs::symlink(&world.reads, world.path("soft.bam")).unwrap();
    for again in ["reads.bam", "./reads.bam", "hard.bam", "soft.bam"] {
        world.call(&["--reads", &text(&world.path(again))]).fails(2, &["reads.bam", "same file"]);
    }
}

#[test]
fn an_empty_sample_is_none() {
    let world = World::new();
    let bam = text(&world.path("x.bam"));
    let script = format!("samtools reheader -c 'sed s/SM:testdata/SM:/' '{}' > '{bam}'", text(&world.reads));
    tool("bash", &["-c", &script]);
    fs::copy(&bam, &world.reads).unwrap();
    tool("samtools", &["index", &text(&world.reads)]);
    let outcome = world.call(&[]).succeeds();
    assert!(outcome.stderr.contains("no read group names a sample"), "{}", outcome.stderr);
    assert_eq!(tool("bcftools", &["query", "-l", &text(&world.vcf)]), "default\n");
    for name in ["", "a\tb", "a\nb"] {
        world.call(&["--sample-name", name]).fails(2, &["--sample-name"]);
    }
}

#[test]
fn records_in_order_count_for_more_than_the_header() {
    for order in ["unsorted", "queryname"] {
        let world = World::new();
        let bam = text(&world.path("x.bam"));
        let script =
            format!("samtools reheader -c 'sed s/SO:coordinate/SO:{order}/' '{}' > '{bam}'", text(&world.reads));
        tool("bash", &["-c", &script]);
        assert!(tool("samtools", &["view", "-H", &bam]).contains(order));
        fs::copy(&bam, &world.reads).unwrap();
        tool("samtools", &["index", &text(&world.reads)]);
        let outcome = world.call(&[]).succeeds();
        assert!(outcome.stderr.contains("its records are sorted"), "{}", outcome.stderr);
    }
}

/// Writes the test data with one record changed, beside the index of the unchanged ones. Nothing is compressed, so that all other
/// records stay where they are.
fn with_record(world: &World, number: usize, change: impl Fn(&mut bam::Record)) {
    let path = world.path("reads.bam");
    let write = |changed: Option<usize>| {
        let mut reader = bam::Reader::from_path(testdata("reads.bam")).unwrap();
        let header = bam::Header::from_template(reader.header());
        let mut writer = bam::Writer::from_path(&path, &header, bam::Format::Bam).unwrap();
        writer.set_compression_level(bam::CompressionLevel::Uncompressed).unwrap();
        for (i, record) in reader.records().enumerate() {
            let mut record = record.unwrap();
            if Some(i) == changed {
                change(&mut record);
            }
            writer.write(&record).unwrap();
        }
    };
    write(None);
    tool("samtools", &["index", &text(&path)]);
    write(Some(number));
}

/// Reads all of a file.
fn read(world: &World) -> Result<()> {
    let file = BamFile::new(&world.reads, &world.reference)?;
    let mut reader = RegionReader::open(&file)?;
    let mut record = bam::Record::new();
    for (contig, tid) in file.contigs().iter().map(|(_, contig)| contig).zip(0..) {
        for start in (0..contig.length).step_by(1000) {
            reader.fetch(tid, start, start + 1000)?;
            while reader.read(&mut record)? {}
        }
    }
    Ok(())
}

type Change = fn(&mut bam::Record);

#[test]
fn a_record_in_no_place_is_an_error_and_not_the_end() {
    let world = World::new();
    with_record(&world, 10_000, |_| ());
    read(&world).unwrap();
    let cases: [(&str, Change); 7] = [
        ("contig number 10000 of 2", |record| record.set_tid(9999)),
        ("contig number -6 of 2", |record| record.set_tid(-7)),
        ("no place", |record| record.set_tid(-1)),
        ("chrB:", |record| record.set_tid(1)),
        ("chrA:2147483648", |record| record.set_pos(i64::from(i32::MAX))),
        ("chrA:-99", |record| record.set_pos(-100)),
        // Elsewhere on the contig.
        ("chrA:", |record| record.set_pos(100)),
    ];
    for (words, change) in cases {
        with_record(&world, 10_000, change);
        let error = read(&world).unwrap_err();
        let sentence = error.to_string();
        assert_eq!(error.exit_code(), 3);
        assert!(sentence.contains("reads.bam") && sentence.contains(words), "{words}: {sentence}");
    }
}

#[test]
fn a_contig_named_twice_is_refused() {
    let world = World::new();
    let sam = world.write("x.sam", b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chrA\tLN:9\n@SQ\tSN:chrB\tLN:9\n");
    let bam = text(&world.path("x.bam"));
    tool("samtools", &["view", "--no-PG", "-u", "-o", &bam, &text(&sam)]);
    // Names of one length, in a file that is not compressed; the checksum of the block goes with it.
    let mut reader = bam::Reader::from_path(&bam).unwrap();
    assert_eq!(reader.records().count(), 0);
    let plain =
        tool("bash", &["-c", &format!("bgzip -dc '{bam}' | sed 's/chrB/chrA/g' | bgzip > '{bam}.2'; echo done")]);
    assert_eq!(plain, "done\n");
    fs::copy(format!("{bam}.2"), &world.reads).unwrap();
    assert!(problem(&world, &world.reads).contains("chrA twice"));
}
