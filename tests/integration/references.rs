//! References that are not the reads' own, or not what their indexes say: found before any work, with the contig's name.

use std::fs;

use crate::world::{World, text, tool};

fn calls(world: &World) -> String {
    tool("bcftools", &["view", "-H", &text(&world.vcf)])
}

/// Site, alleles, filter and genotype of each call.
fn genotypes(calls: &str) -> Vec<Vec<&str>> {
    calls
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let genotype = columns[9].split(':').next().unwrap_or_default();
            [&columns[..5], &[columns[6], genotype]].concat()
        })
        .collect()
}

/// All contigs are called.
const ALL: [&str; 3] = ["--regions", "chrA", "chrB"];

#[track_caller]
fn refused(world: &World, extra: &[&str], words: &[&str]) {
    world.call(extra).fails(3, words);
    assert_eq!(world.outputs(), Vec::<String>::new());
}

fn forget_outputs(world: &World) {
    for name in world.outputs() {
        fs::remove_file(world.path(&name)).unwrap();
    }
}

/// Rewrites the FASTA's bases, each with its contig's name and its place, 0-based; names and line lengths stay, so the index does too.
fn edit(world: &World, change: impl Fn(&str, usize, char) -> char) {
    let fasta = fs::read_to_string(&world.reference).unwrap();
    let (mut name, mut at) = (String::new(), 0);
    let mut edited = String::new();
    for line in fasta.lines() {
        if let Some(header) = line.strip_prefix('>') {
            (name, at) = (header.split_whitespace().next().unwrap().to_owned(), 0);
            edited += line;
        } else {
            edited.extend(line.chars().enumerate().map(|(i, base)| change(&name, at + i, base)));
            at += line.len();
        }
        edited.push('\n');
    }
    assert_eq!(edited.len(), fasta.len());
    fs::write(&world.reference, edited).unwrap();
}

/// The base of another genome.
fn other(at: usize) -> char {
    char::from(b"ACGT"[((at * 2_654_435_761) >> 9) % 4])
}

#[test]
fn another_genome_behind_the_first_contig() {
    let world = World::new();
    world.call(&[]).succeeds();
    let before = calls(&world);
    forget_outputs(&world);
    edit(&world, |name, at, base| if name == "chrB" { other(at) } else { base });
    refused(&world, &ALL, &["reads.bam", "contig 'chrB'", " % of ", "ref.fa"]);
    // The other contig has the same genotypes; their qualities may differ, since the sample is surveyed where the reference fits.
    world.call(&[]).succeeds();
    assert_eq!(genotypes(&calls(&world)), genotypes(&before));
}

#[test]
fn another_genome_on_part_of_a_contig() {
    for (from, to) in [(0, 8000), (30_000, 38_000), (62_000, 70_000)] {
        let world = World::new();
        edit(&world, |name, at, base| if name == "chrB" && (from..to).contains(&at) { other(at) } else { base });
        refused(&world, &ALL, &["contig 'chrB'", "at chrB:"]);
    }
}

#[test]
fn what_is_not_called_may_be_anything() {
    let world = World::new();
    edit(&world, |name, at, base| if name == "chrB" || at > 60_000 { other(at) } else { base });
    world.call(&[]).succeeds();
    forget_outputs(&world);
    refused(&world, &["--regions", "chrA:1-20000", "chrA:90001-100000"], &["contig 'chrA'"]);
}

#[test]
fn a_cram_of_another_genome() {
    let mut world = World::new();
    let cram = text(&world.path("reads.cram"));
    // Without checksums of slices, bases as the reads have them.
    tool(
        "samtools",
        &[
            "view",
            "-C",
            "--output-fmt-option",
            "no_ref=1",
            "-T",
            &text(&world.reference),
            "-o",
            &cram,
            &text(&world.reads),
        ],
    );
    tool("samtools", &["index", &cram]);
    world.reads = cram.into();
    world.call(&ALL).succeeds();
    forget_outputs(&world);
    edit(&world, |name, at, base| if name == "chrB" { other(at) } else { base });
    refused(&world, &ALL, &["reads.cram", "'chrB'"]);
}

/// Gives the reads a header changed by a sed script.
fn reheader(world: &World, script: &str) {
    let bam = text(&world.path("other.bam"));
    tool(
        "bash",
        &[
            "-c",
            &format!(
                "samtools reheader -c \"sed '{script}'\" '{}' > '{bam}' && mv '{bam}' '{0}' && samtools index '{0}'",
                text(&world.reads)
            ),
        ],
    );
}

#[test]
fn checksums_of_the_header() {
    let world = World::new();
    let md5 = tool(
        "bash",
        &[
            "-c",
            &format!(
                "samtools faidx '{}' chrA | tail -n +2 | tr -d '\\n' | tr a-z A-Z | md5sum",
                text(&world.reference)
            ),
        ],
    );
    let md5 = &md5[..32];
    reheader(&world, &format!("/SN:chrA/s/$/\\tM5:{md5}/; /SN:chrB/s/$/\\tM5:{}/", "0".repeat(32)));
    // Only called contigs must have it.
    world.call(&[]).succeeds();
    forget_outputs(&world);
    refused(&world, &ALL, &["reads.bam", "contig 'chrB'", "M5"]);
}

#[test]
fn other_lengths_where_nothing_is_called() {
    let world = World::new();
    reheader(&world, "/SN:chrB/s/LN:[0-9]*/LN:80000/");
    let outcome = world.call(&[]).succeeds();
    assert!(outcome.stderr.contains("chrB") && outcome.stderr.contains("differ in length"), "{}", outcome.stderr);
    world.call(&["--regions", "chrB"]).fails(3, &["'chrB'", "80000 bp"]);
}

#[test]
fn another_order_of_contigs() {
    // Which places tell what the sample is like depends on the contigs' order, so qualities may differ a little.
    let genotypes = |world: &World| {
        let table = tool("bcftools", &["query", "-f", "%CHROM %POS %REF %ALT [%GT %AD]\n", &text(&world.vcf)]);
        let mut lines: Vec<_> = table.lines().map(str::to_owned).collect();
        let first = lines[0].clone();
        lines.sort();
        (first, lines)
    };
    let world = World::new();
    world.call(&ALL).succeeds();
    let (_, before) = genotypes(&world);
    let contig = |name: &str| tool("samtools", &["faidx", &text(&world.reference), name]);
    let turned = contig("chrB") + &contig("chrA");
    fs::write(&world.reference, turned).unwrap();
    tool("samtools", &["faidx", &text(&world.reference)]);
    world.call(&ALL).succeeds();
    let (first, after) = genotypes(&world);
    assert!(first.starts_with("chrB "));
    assert_eq!(after, before);
}

#[test]
fn an_index_of_an_earlier_fasta() {
    let world = World::new();
    let fasta = fs::read_to_string(&world.reference).unwrap();
    // A line less in chrA: all behind it lies elsewhere.
    let lines: Vec<_> = fasta.lines().enumerate().filter(|(i, _)| *i != 1000).map(|(_, line)| line).collect();
    fs::write(&world.reference, lines.join("\n") + "\n").unwrap();
    refused(&world, &[], &["ref.fa.fai", "does not match", "'chrB'", "samtools faidx"]);
}

#[test]
fn indexes_that_lie() {
    let world = World::new();
    let fai = fs::read_to_string(world.path("ref.fa.fai")).unwrap();
    let (a, b) = fai.trim_end().split_once('\n').unwrap();
    let field = |line: &str, i: usize, value: &str| {
        let mut fields: Vec<_> = line.split('\t').collect();
        fields[i] = value;
        fields.join("\t")
    };
    let huge = (1_u64 << 62).to_string();
    for (index, word) in [
        (format!("{a}\n{}\n", field(b, 1, &huge)), "'chrB'"),
        (format!("{}\n{b}\n", field(&field(a, 3, "61"), 4, "61")), "'chrA'"),
        (format!("{}\n{b}\n", field(&field(a, 3, "0"), 4, "0")), "'chrA'"),
        (format!("{}\n{b}\n", field(a, 2, "0")), "'chrA'"),
        (format!("{a}\n{}\n", field(b, 2, "99999999999")), "'chrB'"),
        (format!("{a}\n"), "'chrB'"),
        (format!("{b}\n"), "'chrA'"),
        (format!("{a}\n{b}\n{b}\n"), "'chrB'"),
        (format!("{a}\n{b}\tx\n"), "line 2"),
    ] {
        world.write("ref.fa.fai", index.as_bytes());
        refused(&world, &[], &["ref.fa.fai", word]);
    }
}

#[test]
fn letters_that_are_no_nucleotides() {
    let world = World::new();
    edit(&world, |name, at, base| if name == "chrB" { char::from(b"MKVLEFIQP"[at % 9]) } else { base });
    world.call(&[]).succeeds();
    world.call(&ALL).fails(3, &["ref.fa", "'chrB'", "protein"]);
}

#[test]
fn contigs_of_nothing_but_n() {
    let world = World::new();
    edit(&world, |name, _, base| if name == "chrB" { 'N' } else { base });
    let outcome = world.call(&ALL).succeeds();
    assert!(outcome.stderr.contains("consist of N (chrB)"), "{}", outcome.stderr);
    assert!(!calls(&world).is_empty());
    let outcome = world.call(&["--regions", "chrB"]).succeeds();
    assert!(outcome.stderr.contains("nothing can be called"), "{}", outcome.stderr);
    assert_eq!(calls(&world), "");
}

#[test]
fn an_rna_alphabet_is_read() {
    let world = World::new();
    world.call(&[]).succeeds();
    let before = calls(&world);
    edit(&world, |_, _, base| if base == 'T' { 'U' } else { base });
    world.call(&[]).succeeds();
    assert_eq!(calls(&world), before);
}

#[test]
fn what_is_no_file() {
    let mut world = World::new();
    world.reference = world.path("folder.fa");
    fs::create_dir(&world.reference).unwrap();
    refused(&world, &[], &["folder.fa", "is a folder"]);
    world.reference = world.path("pipe.fa");
    tool("mkfifo", &[&text(&world.reference)]);
    refused(&world, &[], &["pipe.fa", "is a pipe"]);
    world.reference = world.write("empty.fa", b"");
    refused(&world, &[], &["empty.fa", "is empty"]);
    world.reference = world.path("ref.fa");
    fs::remove_file(world.path("ref.fa.fai")).unwrap();
    tool("mkfifo", &[&text(&world.path("ref.fa.fai"))]);
    refused(&world, &[], &["ref.fa.fai", "is a pipe"]);
}

/// Gives chrB another name in FASTA, index and header.
fn rename(world: &World, name: &str) {
    for file in ["ref.fa", "ref.fa.fai"] {
        let text = fs::read_to_string(world.path(file)).unwrap();
        fs::write(world.path(file), text.replace("chrB", name)).unwrap();
    }
    tool("samtools", &["faidx", &text(&world.reference)]);
    reheader(world, &format!("s/SN:chrB/SN:{name}/"));
}

#[test]
fn names_that_vcf_forbids() {
    for name in ["chr,B", "chr<B>", "chr(B)", "chr[B]"] {
        let world = World::new();
        rename(&world, name);
        world.call(&[]).succeeds();
        assert!(!calls(&world).is_empty());
        assert_eq!(tool("bcftools", &["view", "-h", &text(&world.vcf)]).matches("##contig").count(), 1);
        world.call(&["--regions", "chrA", name]).fails(3, &["ref.fa", &format!("'{name}'"), "VCF", "--regions"]);
    }
}

#[test]
fn a_contig_twice() {
    let world = World::new();
    let chr_b = tool("samtools", &["faidx", &text(&world.reference), "chrB"]);
    let fasta = fs::read_to_string(&world.reference).unwrap();
    fs::write(&world.reference, fasta + &chr_b).unwrap();
    tool("samtools", &["faidx", &text(&world.reference)]);
    world.call(&[]).succeeds();
    world.call(&ALL).fails(3, &["ref.fa", "'chrB'", "twice"]);
}
