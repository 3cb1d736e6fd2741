//! Inputs that are unusual, and right.

use crate::world::{World, text, tool};

fn calls(world: &World) -> String {
    tool("bcftools", &["view", "-H", &text(&world.vcf)])
}

#[test]
fn cram_gives_the_same_bytes() {
    let mut world = World::new();
    let gvcf = text(&world.path("out.g.vcf.gz"));
    let bytes = |world: &World| {
        world.call(&["--output-gvcf", &gvcf, "--regions", "chrA:1-60000", "chrB:20000-40000"]).succeeds();
        let names = world.outputs();
        assert_eq!(names.len(), 4);
        names.iter().map(|name| std::fs::read(world.path(name)).unwrap()).collect::<Vec<_>>()
    };
    let from_bam = bytes(&world);
    let cram = text(&world.path("reads.cram"));
    tool("samtools", &["view", "-C", "-T", &text(&world.reference), "-o", &cram, &text(&world.reads)]);
    tool("samtools", &["index", &cram]);
    world.reads = cram.into();
    assert!(bytes(&world) == from_bam);
}

#[test]
fn bgzipped_reference_gives_the_same_calls() {
    let mut world = World::new();
    world.call(&[]).succeeds();
    let plain = calls(&world);
    tool("bgzip", &["-k", &text(&world.reference)]);
    world.reference = world.path("ref.fa.gz");
    tool("samtools", &["faidx", &text(&world.reference)]);
    world.call(&[]).succeeds();
    assert_eq!(calls(&world), plain);
}

#[test]
fn a_csi_index_will_do() {
    let world = World::new();
    std::fs::remove_file(world.path("reads.bam.bai")).unwrap();
    tool("samtools", &["index", "-c", &text(&world.reads)]);
    world.call(&[]).succeeds();
}

#[test]
fn no_reads_give_a_valid_empty_vcf() {
    let mut world = World::new();
    let empty = text(&world.path("empty.bam"));
    tool("samtools", &["view", "-b", "-o", &empty, "-e", "mapq > 1000", &text(&world.reads)]);
    tool("samtools", &["index", &empty]);
    world.reads = empty.into();
    world.call(&[]).succeeds();
    assert_eq!(calls(&world), "");
    assert_eq!(tool("bcftools", &["query", "-l", &text(&world.vcf)]), "testdata\n");
}

#[test]
fn a_bed_past_the_contigs_end_is_clipped() {
    let world = World::new();
    let bed = world.write("x.bed", b"chrB\t60000\t99000000\n");
    let outcome = world.call(&["--regions", &text(&bed)]).succeeds();
    assert!(outcome.stderr.contains("line 1") && outcome.stderr.contains("warn"), "{}", outcome.stderr);
}

#[test]
fn reads_without_a_sample_are_called_default() {
    let mut world = World::new();
    let bare = text(&world.path("bare.bam"));
    let script = format!("samtools reheader -c 'grep -v ^@RG' '{}' > '{bare}'", text(&world.reads));
    tool("bash", &["-c", &script]);
    tool("samtools", &["index", &bare]);
    world.reads = bare.into();
    let outcome = world.call(&[]).succeeds();
    assert!(outcome.stderr.contains("warn"), "{}", outcome.stderr);
    assert_eq!(tool("bcftools", &["query", "-l", &text(&world.vcf)]), "default\n");
}

/// Gives the world other reads, as SAM lines under the header of those it had.
fn read_instead(world: &mut World, lines: &str) {
    let header = tool("samtools", &["view", "-H", &text(&world.reads)]);
    let sam = world.write("instead.sam", (header + lines).as_bytes());
    let bam = text(&world.path("instead.bam"));
    tool("samtools", &["view", "-b", "-o", &bam, &text(&sam)]);
    tool("samtools", &["index", &bam]);
    world.reads = bam.into();
}

#[test]
fn odd_records_are_skipped_or_used() {
    // Missing qualities, CIGAR *, every operation, a read at the contig's first base and one to its last.
    let mut world = World::new();
    let bases = |n: usize| "A".repeat(n);
    let lines = [
        format!("noqual\t0\tchrA\t1\t60\t50M\t*\t0\t0\t{}\t*", bases(50)),
        format!("ops\t0\tchrA\t100\t60\t5H5S10M2I3D5N2P10=5X4S2H\t*\t0\t0\t{}\t{}", bases(36), "I".repeat(36)),
        "nocigar\t0\tchrA\t200\t60\t*\t*\t0\t0\tACGT\tIIII".to_owned(),
        "noseq\t0\tchrA\t300\t60\t30M\t*\t0\t0\t*\t*".to_owned(),
        format!("last\t0\tchrB\t69951\t60\t50M\t*\t0\t0\t{}\t{}", bases(50), "I".repeat(50)),
        format!("past\t0\tchrB\t69981\t60\t50M\t*\t0\t0\t{}\t{}", bases(50), "I".repeat(50)),
    ];
    read_instead(&mut world, &(lines.join("\n") + "\n"));
    let outcome = world.call(&["--regions", "chrA:1-2000", "chrB:68000-70000"]).succeeds();
    // htslib takes a read without CIGAR for unmapped.
    let counts = ["reads (counted per region)", "filtered by flags or MAPQ", "unusable"].map(|name| outcome.row(name));
    assert_eq!(counts, [6, 1, 2]);
}

#[test]
fn depth_is_capped_and_deterministic() {
    // 6,000 copies of one read pair's worth of sequence with a SNP in half of them.
    let mut world = World::new();
    let reference = tool("samtools", &["faidx", &text(&world.reference), "chrA:5001-5100"]);
    let bases: String = reference.lines().skip(1).collect();
    let other = if &bases[50..51] == "A" { "C" } else { "A" };
    let variant = format!("{}{other}{}", &bases[..50], &bases[51..]);
    let lines = (0..6000).fold(String::new(), |text, i| {
        let bases = if i % 2 == 0 { &bases } else { &variant };
        format!("{text}r{i}\t0\tchrA\t5001\t60\t100M\t*\t0\t0\t{bases}\t{}\tRG:Z:testdata\n", "I".repeat(100))
    });
    read_instead(&mut world, &lines);
    let outcome = world.call(&["--regions", "chrA:5001-6000", "--emit-ref-calls"]).succeeds();
    assert!(
        outcome.stderr.lines().any(|line| line.contains("over the cap") && line.ends_with(" 4500")),
        "{}",
        outcome.stderr
    );
    let first = calls(&world);
    assert_eq!(first.lines().count(), 1, "{first}");
    assert!(first.contains("\tchrA\t5051\t") || first.starts_with("chrA\t5051\t"), "{first}");
    // Images show a sample; depths are of all reads.
    assert!(first.contains(":6000:3000,3000:0.5:"), "{first}");
    assert!(first.trim_end().ends_with(":3000,3000:0,0:60"), "{first}");
    world.call(&["--regions", "chrA:5001-6000", "--emit-ref-calls", "--threads", "3"]).succeeds();
    assert_eq!(calls(&world), first);
}

/// Rewrites the reference's sequence lines; names and line lengths stay, so the index does too.
fn edit_sequence(world: &World, edit: impl Fn(usize, &str) -> String) {
    let fasta = std::fs::read_to_string(&world.reference).unwrap();
    let lines = fasta.lines().enumerate();
    let edited = lines.map(|(i, line)| if line.starts_with('>') { line.to_owned() } else { edit(i, line) });
    let text: String = edited.map(|line| line + "\n").collect();
    assert_eq!(text.len(), fasta.len());
    std::fs::write(&world.reference, text).unwrap();
}

#[test]
fn masked_bases_are_bases() {
    let (plain, masked) = (World::new(), World::new());
    edit_sequence(&masked, |i, line| if i % 3 == 0 { line.to_lowercase() } else { line.to_owned() });
    plain.call(&[]).succeeds();
    masked.call(&[]).succeeds();
    assert_eq!(calls(&masked), calls(&plain));
}

#[test]
fn unknown_bases_are_not_called() {
    let world = World::new();
    world.call(&[]).succeeds();
    let before = calls(&world);
    // Two lines of other letters, then a long run of N.
    edit_sequence(&world, |i, line| match i {
        20 | 21 => line.replace(['A', 'a'], "R"),
        50..=150 => "N".repeat(line.len()),
        _ => line.to_owned(),
    });
    let gvcf = text(&world.path("out.g.vcf"));
    world.call(&["--output-gvcf", &gvcf]).succeeds();
    let after = calls(&world);
    assert!(!after.is_empty() && after.lines().count() < before.lines().count());
    let refs = tool("bcftools", &["query", "-f", "%REF\n", &gvcf]);
    assert!(refs.lines().all(|bases| bases.bytes().all(|base| b"ACGT".contains(&base))), "{refs}");
}

#[test]
fn small_targets_read_what_they_need() {
    let world = World::new();
    let bed = text(
        &world.write("targets.bed", b"chrB\t5000\t5100\nchrA\t30000\t30200\nchrA\t30100\t30300\nchrA\t2000\t2100\n"),
    );
    let reads = |outcome: crate::world::Outcome| outcome.row("reads (counted per region)");
    let some = reads(world.call(&["--regions", &bed]).succeeds());
    let all = reads(world.call(&["--regions", "chrA", "chrB"]).succeeds());
    // 500 of 200,000 bp, and half a read to both sides of each.
    assert!(some > 50 && some * 100 < all, "{some} of {all}");
}

#[test]
fn long_short_reads_are_called() {
    // Pairs of 300 bp made of the reference with one SNP.
    let mut world = World::new();
    let reference = tool("samtools", &["faidx", &text(&world.reference), "chrA:9001-10000"]);
    let bases: String = reference.lines().skip(1).collect();
    let other = if &bases[500..501] == "A" { "C" } else { "A" };
    let variant = format!("{}{other}{}", &bases[..500], &bases[501..]);
    let lines = (0..60).fold(String::new(), |text, i| {
        let start = 220 + i * 4;
        let bases = &(if i % 2 == 0 { &bases } else { &variant })[start..start + 300];
        let flags = if i % 4 < 2 { 0 } else { 16 };
        let quality = "I".repeat(300);
        format!("{text}r{i}\t{flags}\tchrA\t{}\t60\t300M\t*\t0\t0\t{bases}\t{quality}\tRG:Z:testdata\n", 9001 + start)
    });
    read_instead(&mut world, &lines);
    world.call(&["--regions", "chrA:9001-10000", "--emit-ref-calls"]).succeeds();
    assert!(calls(&world).starts_with("chrA\t9501\t"), "{}", calls(&world));
}
