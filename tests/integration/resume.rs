//! `--resume`: a run that is stopped goes on where it stood, and ends with the files of a run that was not.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use varpix::files::{journal, remove_abandoned};

use crate::summary::summary;
use crate::world::{Outcome, World, text, tool, varpix};

/// What the runs here call: two contigs and a gap, some blocks of 10 kb each. With an image for each candidate, so that the network's batches fill
/// and regions are finished one after the other.
const REGIONS: [&str; 3] = ["chrA:1-80000", "chrA:90001-125500", "chrB:1-65000"];
const PART: &str = ".varpix-part";
const JOURNAL: &str = "out.vcf.gz.varpix-journal";

/// The arguments of a run with VCF and gVCF.
fn args(world: &World, vcf: &str, gvcf: &str, extra: &[&str]) -> Vec<String> {
    let paths = [&world.reference, &world.reads, &world.path(vcf), &world.path(gvcf)].map(|path| text(path));
    let [reference, reads, vcf, gvcf] = &paths;
    let mut all = vec!["call", "--ref", reference, "--reads", reads, "--output-vcf", vcf, "--output-gvcf", gvcf];
    if !extra.contains(&"--regions") {
        all.push("--regions");
        all.extend(REGIONS);
    }
    if !extra.contains(&"--genotype-sites") {
        all.push("--no-small-model");
    }
    all.extend(extra);
    all.into_iter().map(str::to_owned).collect()
}

fn run(world: &World, extra: &[&str]) -> Outcome {
    let args = args(world, "out.vcf.gz", "out.g.vcf.gz", extra);
    varpix(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The marks in a journal.
fn marks(world: &World, name: &str) -> Vec<Vec<u8>> {
    journal::read(&world.path(name)).unwrap().map(|frames| frames.marks).unwrap_or_default()
}

fn send(child: &Child, signal: &str) {
    tool("kill", &[signal, &child.id().to_string()]);
}

/// Starts a run that makes a mark wherever it can, and waits until it has made some more.
fn started(world: &World, args: &[String], journal: &str, more: usize) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_varpix"));
    program.args(args).args(["--resume", "--resume-interval", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
    // A run that goes on begins its journal with the last mark of the one before.
    let before = marks(world, journal).pop();
    let mut child = program.spawn().unwrap();
    loop {
        let found = marks(world, journal);
        let found = match &before {
            None => found.len(),
            Some(before) => {
                if found.first() == Some(before) {
                    found.len() - 1
                } else {
                    0
                }
            }
        };
        if (more..100).contains(&found) && child.try_wait().unwrap().is_none() {
            return child;
        }
        if child.try_wait().unwrap().is_some() {
            let outcome = Outcome::from(child.wait_with_output().unwrap());
            panic!("ended after {found} marks: {}", outcome.stderr);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Stops a run by a signal after some marks.
fn stopped(world: &World, args: &[String], journal: &str, signal: &str, more: usize) -> Outcome {
    let child = started(world, args, journal, more);
    send(&child, signal);
    child.wait_with_output().unwrap().into()
}

/// A run that was killed in its first third.
fn killed(world: &World, extra: &[&str]) {
    let args = args(world, "out.vcf.gz", "out.g.vcf.gz", extra);
    assert_eq!(stopped(world, &args, JOURNAL, "-KILL", 2).code, -1);
    assert_eq!(world.outputs(), ["out.g.vcf.gz.varpix-part", "out.vcf.gz.varpix-journal", "out.vcf.gz.varpix-part"]);
}

/// All outputs with what they hold; removes them.
fn taken(world: &World) -> Vec<(String, Vec<u8>)> {
    let names = world.outputs();
    let all: Vec<_> = names.into_iter().map(|name| (name.clone(), fs::read(world.path(&name)).unwrap())).collect();
    for (name, _) in &all {
        fs::remove_file(world.path(name)).unwrap();
    }
    all
}

#[track_caller]
fn assert_same(found: &[(String, Vec<u8>)], expected: &[(String, Vec<u8>)]) {
    let names = |of: &[(String, Vec<u8>)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!(found == expected, "{name} is another");
    }
}

/// The rows of the table that do not depend on timing.
fn table(outcome: &Outcome) -> Vec<u64> {
    ["regions  ", "reads (counted", "realigned", "candidates", "decided without", "calls PASS", "calls RefCall"]
        .map(|row| outcome.row(row))
        .to_vec()
}

#[test]
fn a_killed_run_gives_the_files_of_one_that_was_not() {
    let world = World::new();
    let unbroken = run(&world, &["--threads", "2"]).succeeds();
    let expected = taken(&world);
    assert_eq!(expected.len(), 4);
    // A run with --resume that is not interrupted is no other, and leaves nothing.
    assert!(!run(&world, &["--resume", "--resume-interval", "0"]).succeeds().stderr.contains("resuming"));
    assert_same(&taken(&world), &expected);

    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &[]);
    for (signal, more, code) in [("-KILL", 1, -1), ("-TERM", 2, 143), ("-KILL", 1, -1)] {
        let outcome = stopped(&world, &args, JOURNAL, signal, more);
        assert_eq!(outcome.code, code, "{}", outcome.stderr);
        assert_eq!(outcome.stderr.contains("goes on from it"), signal == "-TERM", "{}", outcome.stderr);
    }
    // With another number of threads than before.
    let last = run(&world, &["--resume", "--threads", "3"]).succeeds();
    assert!(last.stderr.contains("resuming at chr"), "{}", last.stderr);
    assert_eq!(table(&last), table(&unbroken));
    assert_same(&taken(&world), &expected);
}

#[test]
fn other_formats_too() {
    for (vcf, gvcf) in [("out.bcf", "out.g.vcf"), ("out.vcf", "out.g.bcf")] {
        let world = World::new();
        let args = args(&world, vcf, gvcf, &["--emit-ref-calls", "--info", "DP,AC"]);
        let plain: Vec<&str> = args.iter().map(String::as_str).collect();
        varpix(&plain).succeeds();
        let expected = taken(&world);
        assert_eq!(expected.len(), 3);
        stopped(&world, &args, &format!("{vcf}.varpix-journal"), "-KILL", 3);
        let last = varpix(&[plain.as_slice(), &["--resume"]].concat()).succeeds();
        assert!(last.stderr.contains("resuming at"), "{}", last.stderr);
        assert_same(&taken(&world), &expected);
    }
}

#[test]
fn chunks_and_given_sites_are_gone_on_with() {
    let world = World::new();
    let bed = text(&world.write("chunk.bed", b"chrA\t20000\t110000\n"));
    let sites = world.path("sites.vcf.gz");
    tool("cp", &[&text(&crate::world::testdata("truth.vcf.gz")), &text(&sites)]);
    let sites = text(&sites);
    let without_gvcf = |extra: &[&str]| -> Vec<String> {
        let paths = [&world.reference, &world.reads, &world.vcf].map(|path| text(path));
        let base = ["call", "--ref", &paths[0], "--reads", &paths[1], "--output-vcf", &paths[2]];
        base.iter().chain(extra).map(|&word| word.to_owned()).collect()
    };
    let with_chunk = args(&world, "out.vcf.gz", "out.g.vcf.gz", &["--regions", "chrA", "--chunk", &bed]);
    let of_sites = ["--genotype-sites", &sites, "--regions", "chrA:1-90000"];
    let phased = without_gvcf(&[&of_sites[..], &["--phase"]].concat());
    for args in [with_chunk, without_gvcf(&of_sites), phased] {
        let plain: Vec<&str> = args.iter().map(String::as_str).collect();
        varpix(&plain).succeeds();
        let expected = taken(&world);
        stopped(&world, &args, JOURNAL, "-KILL", 3);
        let last = varpix(&[plain.as_slice(), &["--resume"]].concat()).succeeds();
        assert!(last.stderr.contains("resuming at"), "{}", last.stderr);
        assert_same(&taken(&world), &expected);
    }
}

/// What reports say of calls, and the summary's word on how the run was resumed. Reports are removed.
fn reported(world: &World) -> (Vec<(String, Vec<u8>)>, Value) {
    let mut all = Vec::new();
    for entry in fs::read_dir(world.path("out.multiqc")).unwrap() {
        let path = entry.unwrap().path();
        all.push((path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    }
    all.sort();
    assert_eq!(all.len(), 4);
    let mut summary = summary(&world.path("out.json"));
    let mut run = summary["run"].take();
    assert!(summary["coverage"]["positions"].as_u64().unwrap() > 100_000, "{}", summary["coverage"]);
    all.push(("summary".into(), serde_json::to_vec_pretty(&summary).unwrap()));
    let page = fs::read_to_string(world.path("out.html")).unwrap();
    assert!(page.contains("Least certain calls") && page.contains("data:image/png"));
    assert_eq!(page.contains("was interrupted and resumed"), !run["resumed"].is_null());
    for name in ["out.json", "out.html"] {
        fs::remove_file(world.path(name)).unwrap();
    }
    fs::remove_dir_all(world.path("out.multiqc")).unwrap();
    (all, run.take())
}

#[test]
fn reports_are_those_of_an_unbroken_run() {
    let world = World::new();
    let paths = ["out.json", "out.html", "out.multiqc"].map(|name| text(&world.path(name)));
    let reports = ["--summary", &paths[0], "--report", &paths[1], "--multiqc", &paths[2]];
    run(&world, &reports).succeeds();
    let (expected, of_unbroken) = reported(&world);
    assert!(of_unbroken["resumed"].is_null());
    let files = taken(&world);

    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &reports);
    for more in [2, 1] {
        stopped(&world, &args, JOURNAL, "-KILL", more);
    }
    run(&world, &[&reports[..], &["--resume", "--threads", "3"]].concat()).succeeds();
    let (found, of_resumed) = reported(&world);
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        let lines = |of: &[u8]| String::from_utf8_lossy(of).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(found), lines(expected), "{name}");
    }
    assert_same(&taken(&world), &files);
    let resumed = &of_resumed["resumed"];
    let number = |name: &str| resumed[name].as_u64().unwrap();
    assert_eq!((number("times"), number("regions")), (2, 181));
    assert!((1..181).contains(&number("regions_done")), "{resumed}");
    // Times are sums.
    let seconds = |of: &Value, name: &str| of[name].as_f64().unwrap();
    let before = seconds(resumed, "calling_before_s");
    assert!(before > 0.0 && seconds(&of_resumed, "calling_s") > before && seconds(&of_resumed, "wall_s") > before);
    assert!(seconds(&of_resumed, "cpu_s") > 0.0 && of_resumed["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(of_resumed["stages"].as_array().unwrap().iter().any(|stage| seconds(stage, "seconds") > 0.0));
    assert!(!of_resumed["regions"]["slowest"].as_array().unwrap().is_empty());
}

#[test]
fn reports_need_what_the_interrupted_run_counted() {
    let world = World::new();
    killed(&world, &[]);
    let before = world.outputs();
    let summary = text(&world.path("out.json"));
    run(&world, &["--resume", "--summary", &summary]).fails(2, &["did not count depths", "varpix report", JOURNAL]);
    assert_eq!(world.outputs(), before);
    run(&world, &["--resume"]).succeeds();
    // One that has counted them can do without.
    taken(&world);
    killed(&world, &["--summary", &summary]);
    run(&world, &["--resume"]).succeeds();
    assert!(!world.path("out.json").exists());
}

#[test]
fn another_run_is_refused() {
    let mut world = World::new();
    run(&world, &[]).succeeds();
    let expected = taken(&world);
    killed(&world, &[]);
    let kept = |world: &World| {
        let read = |name: String| (name.clone(), fs::read(world.path(&name)).unwrap());
        world.outputs().into_iter().map(read).collect::<Vec<_>>()
    };
    let before = kept(&world);
    for (extra, word) in [
        (&["--min-qual", "5"][..], "--min-qual (0; now 5)"),
        (&["--emit-ref-calls"], "--emit-ref-calls"),
        (&["--regions", "chrA:1-40000"], "--regions"),
        (&["--sample-name", "another"], "--sample-name"),
        (&["--min-mapping-quality", "9"], "filter of reads"),
        (&["--no-realign"], "realignment"),
        (&["--haploid-contigs", "chrB"], "--haploid-contigs"),
        (&["--gvcf-gq-bin", "3"], "--gvcf-gq-bin"),
        (&["--header-reference", "x"], "--header-reference"),
        (&["--phase"], "--phase or --join-mnps (none; now phased"),
    ] {
        let extra = [extra, &["--resume"]].concat();
        run(&world, &extra).fails(2, &["the interrupted run had another", word, JOURNAL]);
        assert_same(&kept(&world), &before);
    }
    let with_small_model: Vec<String> = args(&world, "out.vcf.gz", "out.g.vcf.gz", &["--resume"])
        .into_iter()
        .filter(|a| a != "--no-small-model")
        .collect();
    varpix(&with_small_model.iter().map(String::as_str).collect::<Vec<_>>()).fails(2, &["small model"]);
    // A dry run tells as well, and one that fits changes nothing.
    run(&world, &["--resume", "--dry-run", "--min-qual", "5"]).fails(2, &["--min-qual"]);
    assert!(run(&world, &["--resume", "--dry-run"]).succeeds().stderr.contains("resuming at"));
    assert_same(&kept(&world), &before);

    // Other reads of the same name.
    let (reads, fewer) = (world.reads.clone(), world.path("fewer.bam"));
    let written = fs::metadata(&reads).unwrap().modified().unwrap();
    tool("samtools", &["view", "-b", "-s", "1.9", "-o", &text(&fewer), &text(&reads)]);
    tool("samtools", &["index", &text(&fewer)]);
    world.reads = fewer;
    run(&world, &["--resume"]).fails(2, &["size of --reads"]);
    world.reads = reads.clone();
    fs::File::options().append(true).open(&reads).unwrap().set_modified(written + Duration::from_secs(5)).unwrap();
    run(&world, &["--resume"]).fails(2, &["time of the last change of --reads"]);
    fs::File::options().append(true).open(&reads).unwrap().set_modified(written).unwrap();
    // A copy of another reference, whose contigs are the same.
    let reference = fs::read_to_string(&world.reference).unwrap();
    let (first, rest) = reference.split_once('\n').unwrap();
    let other = world.path("other.fa");
    fs::write(&other, format!("{first}\n{}{}", if rest.starts_with('A') { "C" } else { "A" }, &rest[1..])).unwrap();
    tool("samtools", &["faidx", &text(&other)]);
    let given = std::mem::replace(&mut world.reference, other);
    run(&world, &["--resume", "--header-reference", "ref.fa"]).fails(2, &["content of --ref"]);
    world.reference = given;
    assert_same(&kept(&world), &before);

    assert!(run(&world, &["--resume"]).succeeds().stderr.contains("resuming at"));
    assert_same(&taken(&world), &expected);
}

#[test]
fn phased_calls_are_gone_on_with() {
    let world = World::new();
    let options = ["--phase", "--join-mnps", "2"];
    run(&world, &options).succeeds();
    let sets = tool("bcftools", &["query", "-f", "[%PS]\n", &text(&world.vcf)]);
    let sets = sets.lines().filter(|set| *set != ".").collect::<std::collections::BTreeSet<_>>().len();
    assert!(sets > 10, "{sets} phase sets");
    let expected = taken(&world);
    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &options);
    for more in [1, 1, 1, 2] {
        stopped(&world, &args, JOURNAL, "-KILL", more);
    }
    run(&world, &["--phase", "--join-mnps", "1", "--resume"]).fails(2, &["SNPs joined within 2 bp; now"]);
    let last = run(&world, &[&options[..], &["--resume", "--threads", "3"]].concat()).succeeds();
    assert!(last.stderr.contains("resuming at chr"), "{}", last.stderr);
    assert_same(&taken(&world), &expected);
}

#[test]
fn a_torn_journal_is_cut_back() {
    let world = World::new();
    run(&world, &[]).succeeds();
    let expected = taken(&world);
    let journal = world.path(JOURNAL);
    let append = |name: &str, bytes: &[u8]| {
        OpenOptions::new().append(true).open(world.path(name)).unwrap().write_all(bytes).unwrap();
    };
    // The last mark is cut short, then it is damaged; the parts have more bytes than any mark says.
    killed(&world, &[]);
    let length = fs::metadata(&journal).unwrap().len();
    OpenOptions::new().write(true).open(&journal).unwrap().set_len(length - 10).unwrap();
    append("out.vcf.gz.varpix-part", b"half a block");
    append("out.g.vcf.gz.varpix-part", &[0; 5000]);
    assert_eq!(stopped(&world, &args(&world, "out.vcf.gz", "out.g.vcf.gz", &[]), JOURNAL, "-KILL", 1).code, -1);
    let mut bytes = fs::read(&journal).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    fs::write(&journal, bytes).unwrap();
    append(JOURNAL, b"00000010 00000000\nhalf");
    let last = run(&world, &["--resume"]).succeeds();
    assert!(last.stderr.contains("resuming at"), "{}", last.stderr);
    assert_same(&taken(&world), &expected);

    // A journal whose parts are gone, or are others, is of no use.
    killed(&world, &[]);
    fs::write(world.path("out.g.vcf.gz.varpix-part"), "x").unwrap();
    let mark = marks(&world, JOURNAL).pop().unwrap();
    let has_blocks = !String::from_utf8_lossy(&mark).contains("\"bytes\":0,");
    let last = run(&world, &["--resume"]).succeeds();
    assert_eq!(last.stderr.contains("damaged; starting anew"), has_blocks, "{}", last.stderr);
    assert_same(&taken(&world), &expected);

    // What is no journal is not touched.
    fs::write(&journal, "notes").unwrap();
    run(&world, &["--resume"]).fails(4, &[JOURNAL, "not a journal"]);
    assert_eq!(fs::read(&journal).unwrap(), b"notes");
}

#[test]
fn a_run_that_was_killed_between_two_renames_goes_on() {
    let world = World::new();
    run(&world, &[]).succeeds();
    let expected = taken(&world);
    let content = |wanted: &str| expected.iter().find(|(name, _)| name == wanted).map(|(_, bytes)| bytes).unwrap();
    killed(&world, &[]);
    // The gVCF has its final name, the VCF is whole but for that.
    fs::write(world.path("out.g.vcf.gz"), content("out.g.vcf.gz")).unwrap();
    fs::remove_file(world.path("out.g.vcf.gz.varpix-part")).unwrap();
    fs::write(world.path("out.vcf.gz.varpix-part"), content("out.vcf.gz")).unwrap();
    fs::write(world.path(&format!("out.vcf.gz.tbi{PART}")), "old").unwrap();
    assert!(run(&world, &["--resume"]).succeeds().stderr.contains("resuming at"));
    assert_same(&taken(&world), &expected);
}

#[test]
fn without_the_option_nothing_is_picked_up() {
    let world = World::new();
    run(&world, &[]).succeeds();
    let expected = taken(&world);
    killed(&world, &[]);
    let other = run(&world, &["--min-qual", "5"]).succeeds();
    assert!(other.stderr.contains("left of an interrupted run"), "{}", other.stderr);
    assert_eq!(world.outputs(), expected.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    // A failed one leaves them.
    taken(&world);
    killed(&world, &[]);
    let before = world.outputs();
    let reference = fs::read(world.path("ref.fa.fai")).unwrap();
    fs::write(world.path("ref.fa.fai"), "").unwrap();
    run(&world, &[]).fails(3, &["ref.fa"]);
    run(&world, &["--resume"]).fails(3, &["ref.fa"]);
    assert_eq!(world.outputs(), before);
    fs::write(world.path("ref.fa.fai"), reference).unwrap();
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let world = World::new();
    world.call(&["--resume", "--realigned-bam", &text(&world.path("out.bam"))]).fails(2, &[]);
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let region = ["--regions", "chrA:1-5000", "--resume"];
    let stdout = ["call", "--ref", &reference, "--reads", &reads, "--output-vcf", "-"];
    varpix(&[&stdout[..], &region].concat()).fails(2, &["--resume", "standard output"]);
    // Damage that is found before there is anything to keep leaves nothing.
    fs::write(world.path("ref.fa.fai"), "").unwrap();
    world.call(&["--resume"]).fails(3, &["ref.fa"]);
    assert!(world.outputs().is_empty());
}

#[test]
fn two_runs_do_not_write_to_the_same_parts() {
    let world = World::new();
    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &[]);
    let first = started(&world, &args, JOURNAL, 1);
    send(&first, "-STOP");
    run(&world, &["--resume"]).fails(4, &["another run", PART]);
    // A run of its own leaves what the other is writing.
    run(&world, &["--regions", "chrA:1-3000"]).succeeds();
    assert!(world.path(JOURNAL).exists() && world.path("out.vcf.gz.varpix-part").exists());
    send(&first, "-CONT");
    let outcome = Outcome::from(first.wait_with_output().unwrap()).succeeds();
    assert!(outcome.stderr.contains("written:"), "{}", outcome.stderr);
    let left = world.outputs();
    assert!(left.iter().all(|name| !name.contains("varpix")), "{left:?}");
}

#[test]
fn after_a_full_disk_the_run_goes_on() {
    let world = World::new();
    run(&world, &[]).succeeds();
    let expected = taken(&world);
    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &["--resume", "--resume-interval", "0"]);
    // In KiB: not even for a mark, then for some marks, which hold the unfinished blocks.
    for limit in ["1", "40", "60"] {
        let mut bash = Command::new("bash");
        bash.args(["-c", "ulimit -f \"$1\"; shift; \"$@\"", "bash", limit, env!("CARGO_BIN_EXE_varpix")]).args(&args);
        Outcome::from(bash.output().unwrap()).fails(4, &["cannot be written"]);
    }
    assert!(run(&world, &["--resume"]).succeeds().stderr.contains("resuming at"));
    assert_same(&taken(&world), &expected);
}

/// Hidden files beside the outputs.
fn temporary(world: &World) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| text(path).contains("/.out.")).collect()
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let world = World::new();
    let args = args(&world, "out.vcf.gz", "out.g.vcf.gz", &[]);
    let mut program = Command::new(env!("CARGO_BIN_EXE_varpix"));
    let mut child = program.args(&args).stderr(Stdio::null()).spawn().unwrap();
    while temporary(&world).len() < 2 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let age = |world: &World| {
        for path in temporary(world) {
            let time = std::time::SystemTime::now() - Duration::from_mins(10);
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        }
    };
    // While it runs, nobody removes what it writes, however old that seems.
    age(&world);
    assert!(remove_abandoned([world.vcf.as_path()]).is_empty());
    send(&child, "-KILL");
    child.wait().unwrap();
    let left = temporary(&world);
    assert!(left.len() >= 2, "{left:?}");
    // Just written: it might be another run's.
    for path in &left {
        fs::File::options().append(true).open(path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    }
    let small = ["--regions", "chrA:1-5000"];
    run(&world, &small).succeeds();
    assert!(left.iter().all(|path| path.exists()));
    age(&world);
    assert!(run(&world, &[&small[..], &["--dry-run"]].concat()).succeeds().stderr.contains("dry run"));
    assert!(left.iter().all(|path| path.exists()));
    let outcome = run(&world, &small).succeeds();
    assert!(outcome.stderr.contains("of a run that was killed; removed"), "{}", outcome.stderr);
    assert_eq!(temporary(&world), Vec::<std::path::PathBuf>::new());
}
