//! Bad input: one sentence, the right exit code, nothing under the output's name.

use std::fs;

use crate::world::{World, text, tool, varpix};

/// Fails with that code and words, and leaves nothing behind.
#[track_caller]
fn refused(world: &World, extra: &[&str], code: i32, words: &[&str]) {
    world.call(extra).fails(code, words);
    assert_eq!(world.outputs(), Vec::<String>::new());
}

#[test]
fn missing_files() {
    let mut world = World::new();
    let reads = world.reads.clone();
    world.reads = world.path("none.bam");
    refused(&world, &[], 3, &["none.bam"]);
    world.reads = reads;
    world.reference = world.path("none.fa");
    refused(&world, &[], 3, &["none.fa"]);
}

#[test]
fn no_index() {
    let world = World::new();
    fs::remove_file(world.path("reads.bam.bai")).unwrap();
    refused(&world, &[], 3, &["reads.bam", "no index", "samtools index"]);
}

#[test]
fn damaged_index() {
    let world = World::new();
    world.write("reads.bam.bai", b"BAI\x01nonsense");
    refused(&world, &[], 3, &["reads.bam.bai", "samtools index"]);
}

#[test]
fn another_bams_index() {
    let world = World::new();
    let other = text(&world.path("other.bam"));
    tool("samtools", &["view", "-b", "-s", "7.5", "-o", &other, &text(&world.reads)]);
    tool("samtools", &["index", &other]);
    fs::copy(world.path("other.bam.bai"), world.path("reads.bam.bai")).unwrap();
    refused(&world, &[], 3, &["reads.bam.bai", "not the index of"]);
}

#[test]
fn a_bam_without_its_end() {
    let world = World::new();
    let bytes = fs::read(&world.reads).unwrap();
    for kept in [bytes.len() - 28, bytes.len() / 2, 1000, 10] {
        world.write("reads.bam", &bytes[..kept]);
        refused(&world, &[], 3, &["reads.bam", "cut short"]);
    }
}

#[test]
fn a_damaged_block() {
    let world = World::new();
    let mut bytes = fs::read(&world.reads).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0);
    world.write("reads.bam", &bytes);
    refused(&world, &["--regions", "chrA", "chrB"], 3, &["reads.bam"]);
}

#[test]
fn not_a_bam() {
    let world = World::new();
    world.write("reads.bam", b"");
    refused(&world, &[], 3, &["reads.bam", "empty"]);
    world.write("reads.bam", b"this is text, and long enough for a magic number");
    refused(&world, &[], 3, &["reads.bam", "not a BAM"]);
}

#[test]
fn unsorted_reads() {
    let world = World::new();
    let by_name = text(&world.path("by_name.bam"));
    tool("samtools", &["sort", "-n", "-o", &by_name, &text(&world.reads)]);
    fs::copy(&by_name, &world.reads).unwrap();
    refused(&world, &[], 3, &["reads.bam", "not sorted", "samtools sort"]);
    // A header that lies.
    let lying = text(&world.path("lying.bam"));
    let script = format!("samtools reheader -c 'sed s/SO:queryname/SO:coordinate/' '{by_name}' > '{lying}'");
    tool("bash", &["-c", &script]);
    fs::copy(&lying, &world.reads).unwrap();
    refused(&world, &[], 3, &["reads.bam", "not sorted"]);
}

/// Replaces the reference's text and indexes it again.
fn edit_reference(world: &World, edit: impl Fn(&str) -> String) {
    let fasta = fs::read_to_string(&world.reference).unwrap();
    fs::write(&world.reference, edit(&fasta)).unwrap();
    tool("samtools", &["faidx", &text(&world.reference)]);
}

#[test]
fn another_reference() {
    let world = World::new();
    edit_reference(&world, |fasta| fasta.replace(">chr", ">"));
    refused(&world, &["--regions", "A"], 3, &["reads.bam", "ref.fa", "did you mean 'A'"]);
    let world = World::new();
    edit_reference(&world, |fasta| fasta.trim_end().to_owned() + "ACGT\n");
    refused(&world, &["--regions", "chrA", "chrB"], 3, &["chrB", "70000 bp", "70004 bp"]);
    let world = World::new();
    edit_reference(&world, |fasta| {
        let swap = |c: char| match c {
            'A' => 'C',
            'C' => 'G',
            'G' => 'T',
            'T' => 'A',
            other => other,
        };
        fasta
            .lines()
            .map(|l| if l.starts_with('>') { l.to_owned() } else { l.chars().map(swap).collect() } + "\n")
            .collect()
    });
    refused(&world, &[], 3, &["reads.bam", "differ from", "ref.fa"]);
}

#[test]
fn a_reference_without_indexes() {
    let mut world = World::new();
    fs::remove_file(world.path("ref.fa.fai")).unwrap();
    refused(&world, &[], 3, &["ref.fa", "samtools faidx"]);
    tool("gzip", &[&text(&world.reference)]);
    world.reference = world.path("ref.fa.gz");
    refused(&world, &[], 3, &["ref.fa.gz", "bgzip"]);
}

#[test]
fn a_reference_cut_short() {
    let world = World::new();
    let fasta = fs::read(&world.reference).unwrap();
    fs::write(&world.reference, &fasta[..fasta.len() / 3]).unwrap();
    refused(&world, &["--regions", "chrA", "chrB"], 3, &["ref.fa"]);
}

#[test]
fn a_cram_with_another_reference() {
    let mut world = World::new();
    let cram = text(&world.path("reads.cram"));
    tool("samtools", &["view", "-C", "-T", &text(&world.reference), "-o", &cram, &text(&world.reads)]);
    tool("samtools", &["index", &cram]);
    world.reads = cram.into();
    edit_reference(&world, |fasta| fasta.replace("ACG", "AGG"));
    refused(&world, &[], 3, &["reads.cram"]);
}

#[test]
fn two_samples() {
    let mut world = World::new();
    let two = text(&world.path("two.bam"));
    let script = format!(
        "samtools reheader -c 'sed \"s/^@RG.*/&\\n@RG\\tID:x\\tSM:other/\"' '{}' > '{two}'",
        text(&world.reads)
    );
    tool("bash", &["-c", &script]);
    tool("samtools", &["index", &two]);
    world.reads = two.into();
    refused(&world, &[], 3, &["other, testdata", "--sample-name"]);
    world.call(&["--sample-name", "mine"]).succeeds();
    assert_eq!(tool("bcftools", &["query", "-l", &text(&world.vcf)]), "mine\n");
}

#[test]
fn regions() {
    let world = World::new();
    refused(&world, &["--regions", "A:1-100"], 2, &["'A'", "did you mean 'chrA'"]);
    refused(&world, &["--regions", "chrA:9-5"], 2, &["chrA:9-5"]);
    refused(&world, &["--regions", "none.bed"], 3, &["none.bed"]);
    let bed = world.write("bad.bed", b"chrA\t1\t100\nchrA\tx\t200\n");
    refused(&world, &["--regions", &text(&bed)], 3, &["bad.bed", "line 2"]);
    let bed = world.write("empty.bed", b"# nothing\n");
    refused(&world, &["--regions", &text(&bed)], 3, &["empty.bed"]);
}

#[test]
fn outputs_that_cannot_be() {
    let mut world = World::new();
    world.vcf = world.path("missing/out.vcf.gz");
    refused(&world, &[], 4, &["missing", "does not exist"]);
    world.vcf = world.path("out.txt");
    refused(&world, &[], 2, &[".vcf.gz"]);
    fs::create_dir(world.path("folder.vcf")).unwrap();
    world.vcf = world.path("folder.vcf");
    refused(&world, &[], 4, &["folder"]);
}

#[test]
fn an_earlier_output_survives_a_failure() {
    let world = World::new();
    world.call(&[]).succeeds();
    let before = fs::read(&world.vcf).unwrap();
    let bytes = fs::read(&world.reads).unwrap();
    world.write("reads.bam", &bytes[..bytes.len() / 2]);
    world.call(&[]).fails(3, &["cut short"]);
    assert_eq!(fs::read(&world.vcf).unwrap(), before);
}

#[test]
fn usage_errors() {
    let world = World::new();
    refused(&world, &["--no-such-flag"], 2, &[]);
    refused(&world, &["--threads", "0"], 2, &[]);
    refused(&world, &["--output-gvcf", "x.g.txt"], 2, &["x.g.txt", ".vcf.gz"]);
    refused(&world, &["--haploid-contigs", "chrZ"], 2, &["chrZ"]);
    refused(&world, &["--model-type", "ONT_R104"], 2, &["ONT_R104"]);
    refused(&world, &["--device", "tpu"], 2, &["tpu"]);
    varpix(&["call"]).fails(2, &[]);
}
