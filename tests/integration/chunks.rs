//! `varpix regions`, `varpix call --chunk`, and the texts that the command line makes of itself.

use std::path::PathBuf;

use crate::world::{HEADER, World, testdata, text, tool, varpix};

/// The chunks of `regions` in a folder of the world.
fn chunks(world: &World, count: &str, regions: &[&str]) -> Vec<PathBuf> {
    chunks_by(world, "cost", count, regions)
}

fn chunks_by(world: &World, by: &str, count: &str, regions: &[&str]) -> Vec<PathBuf> {
    let (reference, reads, folder) = (text(&world.reference), text(&world.reads), text(&world.path("chunks")));
    let mut args = vec!["regions", "--ref", &reference, "--reads", &reads, "--chunks", count, "--out-dir", &folder];
    args.extend(["--by", by]);
    // A folder with more chunks would be refused.
    let _ = std::fs::remove_dir_all(&folder);
    if !regions.is_empty() {
        args.push("--regions");
        args.extend(regions);
    }
    varpix(&args).succeeds();
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

/// Records of VCF and gVCF after `call` with extra arguments.
fn called(world: &World, regions: &[&str], extra: &[&str]) -> (String, String) {
    let gvcf = text(&world.path("out.g.vcf.gz"));
    let mut args = vec!["--output-gvcf", &gvcf, "--regions"];
    args.extend(regions);
    args.extend(extra);
    world.call(&args).succeeds();
    (tool("bcftools", &["view", "-H", &text(&world.vcf)]), tool("bcftools", &["view", "-H", &gvcf]))
}

#[track_caller]
fn assert_chunks_join(world: &World, count: &str, regions: &[&str]) {
    let whole = called(world, regions, &[]);
    let chunks = chunks(world, count, regions);
    assert_eq!(chunks.len().to_string(), count);
    let mut joined = (String::new(), String::new());
    for chunk in chunks {
        let part = called(world, regions, &["--chunk", &text(&chunk)]);
        joined.0 += &part.0;
        joined.1 += &part.1;
    }
    assert!(!whole.0.is_empty() && !whole.1.is_empty());
    assert_eq!(joined.0, whole.0);
    assert_eq!(joined.1, whole.1);
}

#[test]
fn joined_chunks_are_the_whole() {
    assert_chunks_join(&World::new(), "6", &["chrA:1-40000", "chrB:55000-70000"]);
}

#[test]
fn joined_chunks_of_targets_are_the_whole() {
    let world = World::new();
    // Small targets, some of them next to each other, and one over several places where chunks may be cut.
    let mut lines: Vec<_> = (0..60).map(|i| format!("chrA\t{}\t{}\n", i * 450, i * 450 + 350)).collect();
    lines.push("chrB\t1234\t23456\n".into());
    let bed = text(&world.write("targets.bed", lines.concat().as_bytes()));
    assert_chunks_join(&world, "4", &[&bed]);
}

#[test]
fn deletions_over_a_cut_are_told_once() {
    let world = World::new();
    // A homozygous deletion of 8 bp over position 10,000, seen by 20 reads.
    let bases = world.bases();
    let (deleted, ended) = (9996, 10_004);
    let read = |start: usize| {
        let end = start + 158;
        let sequence = format!("{}{}", &bases[start..deleted], &bases[ended..end]);
        let cigar = format!("{}M8D{}M", deleted - start, end - ended);
        let qualities = "I".repeat(150);
        format!("r{start}\t0\tchrA\t{}\t60\t{cigar}\t*\t0\t0\t{sequence}\t{qualities}\tRG:Z:1\n", start + 1)
    };
    let sam: Vec<_> = std::iter::once(HEADER.to_owned()).chain((9900..9940).step_by(2).map(read)).collect();
    let sam = text(&world.write("deletion.sam", sam.concat().as_bytes()));
    tool("samtools", &["view", "-b", "-o", &text(&world.reads), &sam]);
    tool("samtools", &["index", &text(&world.reads)]);
    let (calls, _) = called(&world, &["chrA:1-20000"], &[]);
    let start: u64 = calls.split('\t').nth(1).unwrap().parse().unwrap();
    assert!(
        start <= 10_000 && calls.split('\t').nth(3).unwrap().len() as u64 > 10_001 - start,
        "no deletion over the cut: {calls}"
    );
    assert_chunks_join(&world, "2", &["chrA:1-20000"]);
}

/// Length of a BED file's intervals.
fn bases(bed: &PathBuf) -> u64 {
    let text = std::fs::read_to_string(bed).unwrap();
    let span = |line: &str| {
        let fields: Vec<u64> = line.split('\t').skip(1).map(|f| f.parse().unwrap()).collect();
        fields[1] - fields[0]
    };
    text.lines().map(span).sum()
}

/// The chunks' lines, neighbouring intervals joined.
fn joined(chunks: &[PathBuf]) -> Vec<String> {
    let mut joined: Vec<(String, String, String)> = Vec::new();
    for line in chunks.iter().flat_map(|bed| read(bed).lines().map(str::to_owned).collect::<Vec<_>>()) {
        let fields: Vec<&str> = line.split('\t').collect();
        match joined.last_mut() {
            Some((contig, _, end)) if contig == fields[0] && end == fields[1] => fields[2].clone_into(end),
            _ => joined.push((fields[0].into(), fields[1].into(), fields[2].into())),
        }
    }
    joined.into_iter().map(|(contig, start, end)| format!("{contig}:{start}-{end}")).collect()
}

fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The reads of the world, of which every second one in the first contig's first 80 kb has 7 bases more at multiples of 300 bp, aligned as if it had not.
fn with_insertions(world: &mut World) {
    let sam = tool("samtools", &["view", "-h", &text(&world.reads)]);
    let changed = |(number, line): (usize, &str)| {
        let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        if line.starts_with('@') || number % 2 == 0 || fields[2] != "chrA" || fields[5] != "150M" {
            return format!("{line}\n");
        }
        let start: usize = fields[3].parse().unwrap();
        let before = start.next_multiple_of(300) - start;
        if start < 80_000 && before < 150 {
            let (left, right) = fields[9].split_at(before);
            let mut bases = format!("{left}GATTACA{right}");
            bases.truncate(150);
            fields[9] = bases;
        }
        fields.join("\t") + "\n"
    };
    let sam: String = sam.lines().enumerate().map(changed).collect();
    let sam = text(&world.write("changed.sam", sam.as_bytes()));
    world.reads = world.path("changed.bam");
    tool("samtools", &["view", "-b", "-o", &text(&world.reads), &sam]);
    tool("samtools", &["index", &text(&world.reads)]);
}

#[test]
fn chunks_by_cost_are_equal_on_every_run_and_hold_everything() {
    let mut world = World::new();
    with_insertions(&mut world);
    let cram = world.path("changed.cram");
    tool("samtools", &["view", "-C", "-T", &text(&world.reference), "-o", &text(&cram), &text(&world.reads)]);
    tool("samtools", &["index", &text(&cram)]);
    for reads in [world.reads.clone(), cram] {
        world.reads = reads;
        let found = chunks(&world, "5", &[]);
        assert_eq!(joined(&found), ["chrA:0-130000", "chrB:0-70000"]);
        let texts: Vec<String> = found.iter().map(read).collect();
        assert_eq!(chunks(&world, "5", &[]).iter().map(read).collect::<Vec<_>>(), texts);
    }
    let some = chunks(&world, "4", &["chrA:5001-42000", "chrB:30001-70000"]);
    assert_eq!(joined(&some), ["chrA:5000-42000", "chrB:30000-70000"]);
}

#[test]
fn chunks_by_cost_weigh_what_bytes_do_not_tell() {
    let mut world = World::new();
    let plain: Vec<u64> = chunks(&world, "2", &[]).iter().map(bases).collect();
    assert!((90_000..=110_000).contains(&plain[0]), "{plain:?}");
    with_insertions(&mut world);
    let by_bytes: Vec<u64> = chunks_by(&world, "bytes", "2", &[]).iter().map(bases).collect();
    assert!((90_000..=110_000).contains(&by_bytes[0]), "{by_bytes:?}");
    let by_cost: Vec<u64> = chunks(&world, "2", &[]).iter().map(bases).collect();
    assert!(by_cost[0] <= 80_000, "{by_cost:?}");
}

#[test]
fn files_with_few_reads_and_none_are_cut_too() {
    let mut world = World::new();
    for (name, region) in [("front.bam", "chrA:1-30000"), ("few.bam", "chrB:69000-69001"), ("none.bam", "chrB:70000")] {
        let reads = world.path(name);
        tool("samtools", &["view", "-b", "-o", &text(&reads), &text(&world.reads), region]);
        tool("samtools", &["index", &text(&reads)]);
        let before = std::mem::replace(&mut world.reads, reads);
        for model in ["wgs", "hifi"] {
            let (reference, reads) = (text(&world.reference), text(&world.reads));
            let folder = text(&world.path(&format!("{name}-{model}")));
            let args = ["--reads", &reads, "--chunks", "3", "--model", model, "--out-dir", &folder];
            varpix(&[&["regions", "--ref", &reference], &args[..]].concat()).succeeds();
            let beds: Vec<_> = (1..=3).map(|n| PathBuf::from(format!("{folder}/chunk-{n:04}.bed"))).collect();
            assert_eq!(joined(&beds), ["chrA:0-130000", "chrB:0-70000"], "{name} {model}");
        }
        world.reads = before;
    }
}

#[test]
fn chunks_balance_bytes() {
    let mut world = World::new();
    // Half of the reads, all of them in the first 30 kb.
    let front = world.path("front.bam");
    tool("samtools", &["view", "-b", "-o", &text(&front), &text(&world.reads), "chrA:1-30000"]);
    tool("samtools", &["index", &text(&front)]);
    world.reads = front.clone();
    let chunks = |world: &World| chunks_by(world, "bytes", "2", &[]).iter().map(bases).collect::<Vec<_>>();
    let by_bytes = chunks(&world);
    assert_eq!(by_bytes.iter().sum::<u64>(), 200_000);
    assert!(by_bytes[0] <= 30_000, "{by_bytes:?}");
    // The same through a CSI index, and for a CRAM.
    std::fs::remove_file(text(&front) + ".bai").unwrap();
    tool("samtools", &["index", "-c", &text(&front)]);
    assert_eq!(chunks(&world), by_bytes);
    world.reads = world.path("front.cram");
    tool("samtools", &["view", "-C", "-T", &text(&world.reference), "-o", &text(&world.reads), &text(&front)]);
    tool("samtools", &["index", &text(&world.reads)]);
    let by_slices = chunks(&world);
    assert!(by_slices[0] <= 30_000, "{by_slices:?}");
}

#[test]
fn chunks_go_to_stdout_too() {
    let (reference, reads) = (text(&testdata("ref.fa")), text(&testdata("reads.bam")));
    let bed = varpix(&["regions", "--ref", &reference, "--reads", &reads, "--chunks", "3"]).succeeds().stdout;
    let numbers: Vec<_> = bed.lines().map(|line| line.split('\t').nth(3).unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.first() == Some(&"1") && numbers.last() == Some(&"3"), "{bed}");
}

#[test]
fn wrong_chunks_are_refused() {
    let world = World::new();
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    varpix(&["regions", "--ref", &reference, "--reads", &reads, "--chunks", "900"])
        .fails(2, &["20 piece(s)", "1 to 20"]);
    let bed = text(&world.write("chunk.bed", b"chrA\t0\t1500\n"));
    world.call(&["--chunk", &bed]).fails(3, &["chunk.bed", "chrA:1001-2000", "varpix regions"]);
    let bed = text(&world.write("outside.bed", b"chrA\t20000\t30000\n"));
    world.call(&["--chunk", &bed]).fails(3, &["outside.bed", "chrA:20001-30000"]);
    let outputs = world.outputs();
    assert!(outputs.is_empty(), "{outputs:?}");
}

#[test]
fn completions_and_manual_pages_are_of_this_program() {
    for shell in ["bash", "zsh", "fish"] {
        let script = varpix(&["completions", shell]).succeeds().stdout;
        assert!(script.contains("output-vcf") && script.contains("regions"), "{shell}");
    }
    varpix(&["completions", "cmd.exe"]).fails(2, &[]);
    assert!(varpix(&["man"]).succeeds().stdout.contains("varpix\\-call(1)"));
    let world = World::new();
    let folder = world.path("man");
    varpix(&["man", "--out-dir", &text(&folder)]).succeeds();
    let page = std::fs::read_to_string(folder.join("varpix-call.1")).unwrap();
    assert!(page.contains("output\\-vcf") && !page.contains("intermediate"), "{page}");
}
