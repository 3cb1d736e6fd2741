//! Outputs are whole or absent, and never lie over an input.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{Outcome, World, model, testdata, text, tool, varpix};

/// Runs a line of bash in which `$varpix` is the program, in a folder.
fn shell(folder: &Path, line: &str) -> Outcome {
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(folder).env("varpix", env!("CARGO_BIN_EXE_varpix"));
    bash.output().unwrap().into()
}

/// A call of world's inputs by bash, with more arguments.
fn call(world: &World, more: &str, redirected: &str) -> Outcome {
    let folder = world.path("");
    shell(&folder, &format!("$varpix call --ref ref.fa --reads reads.bam --regions chrA:1-20000 {more} {redirected}"))
}

/// All files of the world with what they hold.
fn content(world: &World) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(world.path("")).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    let mut all: Vec<_> =
        entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect();
    all.sort();
    all
}

/// Fails so, and every file is what it was.
#[track_caller]
fn refused(world: &World, more: &str, code: i32, words: &[&str]) {
    let before = content(world);
    call(world, more, "").fails(code, words);
    assert!(content(world) == before, "{more} changed a file");
}

#[test]
fn no_output_is_an_input() {
    let world = World::new();
    tool("cp", &[&text(&testdata("truth.vcf.gz")), &text(&world.path("sites.vcf.gz"))]);
    world.write("r.bed", b"chrA\t0\t10000\n");
    fs::hard_link(world.path("reads.bam"), world.path("hard.bam")).unwrap();
    symlink("ref.fa", world.path("out.vcf")).unwrap();
    symlink("ref.fa.fai", world.path("x.vcf.gz.csi")).unwrap();
    symlink("r.bed", world.path("bed.vcf")).unwrap();
    symlink(model().join("model.json"), world.path("model.vcf")).unwrap();
    symlink("reads.bam.bai", world.path("y.bam.bai")).unwrap();
    let plain = "--output-vcf a.vcf";
    refused(&world, &format!("{plain} --realigned-bam reads.bam"), 2, &["--realigned-bam", "--reads"]);
    refused(&world, &format!("{plain} --realigned-bam ./hard.bam"), 2, &["--realigned-bam", "--reads"]);
    refused(&world, &format!("{plain} --realigned-bam y.bam"), 2, &["index of --realigned-bam", "index of --reads"]);
    refused(
        &world,
        "--output-vcf sites.vcf.gz --genotype-sites sites.vcf.gz",
        2,
        &["--output-vcf", "--genotype-sites"],
    );
    refused(&world, "--output-vcf out.vcf", 2, &["--output-vcf", "--ref"]);
    refused(&world, "--output-vcf x.vcf.gz", 2, &["index of --output-vcf", "index of --ref"]);
    refused(&world, "--output-vcf bed.vcf --regions r.bed", 2, &["--output-vcf", "--regions"]);
    refused(&world, "--output-vcf bed.vcf --chunk r.bed", 2, &["--output-vcf", "--chunk"]);
    refused(&world, "--output-vcf bed.vcf --haploid-contigs chrA --par-regions r.bed", 2, &["--par-regions"]);
    refused(&world, "--output-vcf model.vcf", 2, &["--output-vcf", "--model"]);
    refused(&world, "--output-vcf - 1<>reads.bam", 2, &["--output-vcf -", "--reads"]);
}

#[test]
fn no_two_outputs_are_one() {
    let world = World::new();
    refused(&world, "--output-vcf a.vcf.gz --output-gvcf ./a.vcf.gz", 2, &["--output-vcf", "--output-gvcf"]);
    refused(&world, "--output-vcf - --output-gvcf -", 2, &["--output-vcf", "--output-gvcf"]);
    symlink(".", world.path("here")).unwrap();
    refused(&world, "--output-vcf a.vcf --output-gvcf here/a.vcf", 2, &["--output-vcf", "--output-gvcf"]);
}

#[test]
fn other_commands_keep_off_their_inputs() {
    let world = World::new();
    fs::create_dir(world.path("chunks")).unwrap();
    fs::write(world.path("chunks/chunk-0001.bed"), "chrA\t0\t50000\n").unwrap();
    let line =
        "$varpix regions --ref ref.fa --reads reads.bam --chunks 2 --out-dir chunks --regions chunks/chunk-0001.bed";
    shell(&world.path(""), line).fails(2, &["--out-dir", "--regions"]);
    let all = "$varpix regions --ref ref.fa --reads reads.bam --out-dir new --chunks";
    shell(&world.path(""), &format!("{all} 4")).succeeds();
    // Chunks that are all replaced are no fault; one that would stay is.
    shell(&world.path(""), &format!("{all} 5")).succeeds();
    shell(&world.path(""), &format!("{all} 4")).fails(4, &["chunk-0005.bed", "earlier run"]);
    assert_eq!(fs::read_dir(world.path("new")).unwrap().count(), 5);
}

#[test]
fn pictures_keep_off_the_reads() {
    let world = World::new();
    fs::create_dir(world.path("pictures")).unwrap();
    fs::hard_link(world.path("reads.bam"), world.path("pictures/chrA_1640_G_A_0.png")).unwrap();
    let line = "$varpix show --ref ref.fa --reads reads.bam --region chrA:1640 --out pictures";
    shell(&world.path(""), line).fails(2, &["--out", "--reads"]);
    fs::remove_file(world.path("pictures/chrA_1640_G_A_0.png")).unwrap();
    shell(&world.path(""), line).succeeds();
    // A second run draws them anew.
    shell(&world.path(""), line).succeeds();
}

#[cfg(feature = "torch")]
#[test]
fn training_keeps_off_its_inputs() {
    let world = World::new();
    tool("cp", &["-r", &text(&model()), &text(&world.path("m"))]);
    world.write("c.bed", b"chrA\t0\t10000\n");
    world.write("d.bed", b"chrB\t0\t9000\n");
    let truth = text(&testdata("truth.vcf.gz"));
    let line = |bed: &str, role: &str| format!("reads.bam\tref.fa\t{truth}\t{bed}\t1\t{role}\n");
    let header = "reads\treference\ttruth\tconfident\tweight\trole\n";
    world.write("sets.tsv", (header.to_owned() + &line("c.bed", "train") + &line("d.bed", "tune")).as_bytes());
    let before = fs::read(world.path("m/model.json")).unwrap();
    let train = "$varpix train --data sets.tsv";
    shell(&world.path(""), &format!("{train} --from m --out ./m")).fails(2, &["--out", "--from"]);
    assert_eq!(fs::read(world.path("m/model.json")).unwrap(), before);
    // Each file of the manifest, and the manifest.
    for (file, called) in [
        ("sets.tsv", "--data sets.tsv"),
        ("reads.bam", "reads of --data line 2: reads.bam"),
        ("reads.bam.bai", "the index of reads of --data line 2:"),
        ("ref.fa", "reference of --data line 2: ref.fa"),
        ("d.bed", "confident of --data line 3: d.bed"),
    ] {
        fs::create_dir(world.path("new")).unwrap();
        fs::hard_link(world.path(file), world.path("new/training.csv")).unwrap();
        let before = fs::read(world.path(file)).unwrap();
        shell(&world.path(""), &format!("{train} --out new")).fails(2, &["--out new/training.csv", called]);
        assert_eq!(fs::read(world.path(file)).unwrap(), before);
        fs::remove_dir_all(world.path("new")).unwrap();
    }
}

#[test]
fn names_that_cannot_be_are_said_before_any_work() {
    let world = World::new();
    for (name, make, word) in [
        ("f.vcf.gz", "mkdir f.vcf.gz", "is a folder"),
        ("i.vcf.gz", "echo old > i.vcf.gz; mkdir i.vcf.gz.tbi", "i.vcf.gz.tbi: is a folder"),
        ("p.vcf", "mkfifo p.vcf", "is a pipe"),
        ("d.vcf", "ln -s /dev/full d.vcf", "is a device"),
        ("/proc/out.vcf", "true", "cannot be written"),
        ("none/out.vcf", "true", "does not exist"),
    ] {
        assert_eq!(shell(&world.path(""), make).code, 0);
        refused(&world, &format!("--output-vcf {name}"), 4, &[word]);
    }
    let long = |n: usize| format!("{}.vcf.gz", "a".repeat(n - 7));
    refused(&world, &format!("--output-vcf {}", long(253)), 4, &["too long"]);
    refused(&world, &format!("--output-vcf a.vcf --output-gvcf {}", long(256)), 4, &["too long"]);
    call(&world, &format!("--output-vcf {}", long(251)), "").succeeds();
    assert!(world.path(&format!("{}.tbi", long(251))).exists());
    let gone = "mkdir gone && cd gone && rmdir ../gone && $varpix call --ref /a --reads /b --output-vcf /c.vcf";
    shell(&world.path(""), gone).fails(2, &["current folder"]);
}

#[test]
fn a_full_disk_leaves_all_as_it_was() {
    let world = World::new();
    let outputs = "--output-vcf o.vcf.gz --output-gvcf o.g.vcf.gz --realigned-bam o.bam";
    call(&world, outputs, "").succeeds();
    let before = content(&world);
    // In KiB: from nothing to all but the last of the files.
    for limit in [0, 1, 2, 8, 64, 150] {
        let run = shell(
            &world.path(""),
            &format!(
                "ulimit -f {limit}; $varpix call --ref ref.fa --reads reads.bam --regions chrA:1-25000 {outputs} 2>&1 | cat; exit ${{PIPESTATUS[0]}}"
            ),
        );
        assert_eq!(run.code, 4, "{limit}: {}", run.stdout);
        assert!(run.stdout.contains("cannot be written"), "{limit}: {}", run.stdout);
        assert!(content(&world) == before, "{limit} KiB");
    }
}

#[test]
fn an_index_of_before_does_not_stay() {
    let world = World::new();
    world.write("o.vcf.gz.csi", b"old");
    world.write("o.bam.csi", b"old");
    call(&world, "--output-vcf o.vcf.gz --realigned-bam o.bam", "").succeeds();
    assert!(!world.path("o.vcf.gz.csi").exists() && !world.path("o.bam.csi").exists());
    let counted = tool("bcftools", &["index", "-n", &text(&world.path("o.vcf.gz"))]);
    let listed = tool("bcftools", &["view", "-H", &text(&world.path("o.vcf.gz"))]).lines().count();
    assert!(listed > 10 && counted.trim() == listed.to_string(), "{counted}, {listed}");
}

#[test]
fn standard_output_that_takes_nothing() {
    let world = World::new();
    let more = "--output-vcf - --output-gvcf g.vcf";
    call(&world, more, ">&-").fails(4, &["standard output", "closed"]);
    call(&world, more, ">/dev/full").fails(4, &["standard output", "No space"]);
    assert!(!world.path("g.vcf").exists());
    call(&world, "--output-vcf -", ">/dev/null").succeeds();
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    varpix(&["regions", "--ref", &reference, "--reads", &reads, "--chunks", "2"]).succeeds();
    let line = "$varpix regions --ref ref.fa --reads reads.bam --chunks 2 >&-";
    shell(&world.path(""), line).fails(4, &["standard output", "closed"]);
}

#[test]
fn a_reader_that_goes_is_no_fault_to_speak_of() {
    let world = World::new();
    let gvcf = text(&world.path("g.vcf"));
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let args = ["--quiet", "call", "--ref", &reference, "--reads", &reads, "--output-vcf", "-", "--output-gvcf", &gvcf];
    let mut program = Command::new(env!("CARGO_BIN_EXE_varpix"));
    let mut child = program.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (4, ""));
    assert!(!Path::new(&gvcf).exists());
}

#[test]
fn manual_pages_have_a_plain_version() {
    let world = World::new();
    let folder = text(&world.path("man"));
    varpix(&["man", "--out-dir", &folder]).succeeds();
    let page = fs::read_to_string(world.path("man/varpix.1")).unwrap();
    assert!(page.contains(concat!("v", env!("CARGO_PKG_VERSION"))) && !page.contains("vversion"));
    assert!(world.path("man/varpix-call.1").exists());
    assert!(!varpix(&["man"]).succeeds().stdout.contains("vversion"));
}
