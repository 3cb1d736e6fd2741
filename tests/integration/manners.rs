//! What the program does where it is not wanted any more: closed pipes, full devices, signals; and arguments that users guess.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, Stdio};

use crate::world::{Outcome, World, model, testdata, text, tool, varpix};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_varpix"));
    command.args(args);
    command
}

/// The arguments of commands that print to stdout.
fn printers(world: &World) -> Vec<Vec<String>> {
    let inputs = ["--ref".to_owned(), text(&world.reference), "--reads".into(), text(&world.reads)];
    let with = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let on_reads = |words: &[&str]| [&with(words)[..1], &inputs, &with(words)[1..]].concat();
    vec![
        with(&["--help"]),
        with(&["call", "--help"]),
        with(&["--version"]),
        with(&["man"]),
        with(&["completions", "bash"]),
        with(&["models"]),
        with(&["models", "check", "wgs"]),
        on_reads(&["explain", "--variants", &text(&testdata("truth.vcf.gz")), "--all", "--regions", "chrA:1-20000"]),
        on_reads(&["show", "--region", "chrA:1-9000", "--max", "3", "--out", &text(&world.path("pictures"))]),
        on_reads(&["regions", "--chunks", "3"]),
    ]
}

/// Sends a signal. By the shell, since a machine may have no program `kill`.
fn send(signal: &str, child: &std::process::Child) {
    tool("bash", &["-c", &format!("kill -s {signal} {}", child.id())]);
}

#[test]
fn a_full_stdout_is_said() {
    let world = World::new();
    for args in printers(&world) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let outcome = Outcome::from(command(&args).stdout(full).stderr(Stdio::piped()).output().unwrap());
        outcome.fails(4, &["standard output", "No space left"]);
    }
}

#[test]
fn a_closed_stdout_is_no_fault() {
    let world = World::new();
    for args in printers(&world) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_full_stderr_changes_no_exit_code() {
    let world = World::new();
    let bad = ["call", "--ref", "none.fa", "--reads", "none.bam", "--output-vcf", &text(&world.vcf)].map(str::to_owned);
    let unknown = ["call", "--no-such-flag"].map(str::to_owned);
    let good = printers(&world).into_iter().map(|args| (args, 0));
    for (args, code) in [(bad.to_vec(), 3), (unknown.to_vec(), 2)].into_iter().chain(good) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = command(&args).stdout(Stdio::null()).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

/// Sends a signal and waits for the end.
fn stopped(mut child: Child, signal: &str) -> Outcome {
    send(signal, &child);
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Outcome { code: status.code().unwrap_or(-1), stderr, stdout: String::new() }
}

/// Starts a command and waits until it has said a line that holds `word`; its stderr is then read on.
fn begun(args: &[&str], word: &str) -> Child {
    // Signals that the tests were started to ignore, as under nohup, are not ignored here. At the lowest priority, so that on a busy machine too the
    // signal comes before the run is done.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,TERM", "nice", "-n", "19", env!("CARGO_BIN_EXE_varpix")]).args(args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it never said {word}");
    }
    child.stderr = Some(lines.into_inner());
    child
}

#[test]
fn signals_end_a_run_and_remove_what_it_has_begun() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let world = World::new();
        let (reference, reads, vcf) = (text(&world.reference), text(&world.reads), text(&world.vcf));
        let gvcf = text(&world.path("out.g.vcf.gz"));
        let inputs = ["-v", "call", "-f", &reference, "--reads", &reads, "-t", "1", "--no-small-model"];
        let args = [&inputs[..], &["-o", &vcf, "--output-gvcf", &gvcf]].concat();
        // A run that was done before the signal came has ended well, and is tried again.
        let attempt = |_| {
            let outcome = stopped(begun(&args, "threads:"), signal);
            if outcome.code == 0 {
                for name in world.outputs() {
                    std::fs::remove_file(world.path(&name)).unwrap();
                }
            }
            outcome
        };
        let outcome = (0..10).map(attempt).find(|outcome| outcome.code != 0).expect("a signal that comes in time");
        outcome.fails(code, &[&format!("stopped by SIG{signal}")]);
        assert_eq!(world.outputs(), Vec::<String>::new());
    }
}

#[test]
fn signals_end_listings() {
    let world = World::new();
    let pictures = text(&world.path("pictures"));
    for args in &printers(&world)[7..9] {
        let args: Vec<&str> = args.iter().map(String::as_str).filter(|word| !["3", "--max"].contains(word)).collect();
        let args = [&args[..], &["--regions", "chrA", "chrB"]].concat();
        // A stdout that nobody reads holds it up, wherever it is.
        let mut child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 1];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        stopped(child, "TERM").fails(143, &["stopped by SIGTERM"]);
    }
    let left = std::fs::read_dir(pictures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains(".tmp")).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn an_ignored_signal_stays_ignored() {
    // As under nohup.
    let world = World::new();
    let script = format!(
        "trap '' HUP; exec '{}' -v call --ref '{}' --reads '{}' --output-vcf '{}' --regions chrA:1-9000",
        env!("CARGO_BIN_EXE_varpix"),
        text(&world.reference),
        text(&world.reads),
        text(&world.vcf)
    );
    let mut child = Command::new("bash").args(["-c", &script]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("threads:")));
    send("HUP", &child);
    lines.for_each(|line| drop(line.unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(world.vcf.exists());
}

#[test]
fn numbers_that_are_none_are_refused() {
    let world = World::new();
    for value in ["nan", "inf", "-1", "-inf", "1e999", "x"] {
        let outcome = world.call(&[&format!("--min-qual={value}")]);
        assert_eq!(outcome.code, 2, "{value}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("expected a number from 0 to"), "{}", outcome.stderr);
    }
    for value in ["two", "0", "1025", "-1", "1.5"] {
        let outcome = world.call(&[&format!("--threads={value}")]);
        assert_eq!(outcome.code, 2, "{value}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("expected a whole number from 1 to 1024"), "{}", outcome.stderr);
    }
}

#[test]
fn flags_that_users_of_other_tools_guess() {
    let world = World::new();
    let (reference, reads, vcf) = (text(&world.reference), text(&world.reads), text(&world.vcf));
    let gvcf = text(&world.path("out.g.vcf"));
    let bed = text(&world.write("some.bed", b"chrA\t0\t5000\n"));
    let lines: [&[&str]; 6] = [
        &["call", "-f", &reference, "--bam", &reads, "-o", &vcf, "-r", "chrA:1-5000", "-t", "2"],
        &["call", "--fasta", &reference, "--input", &reads, "--output", &vcf, "--bed", &bed, "-@", "2"],
        &["call", "-R", &reference, "-I", &reads, "-o", &vcf, "-L", &bed, "--gvcf", &gvcf],
        &["call", "--reference", &reference, "-b", &reads, "--vcf", &vcf, "--intervals", "chrA:1-5000", "--cpus", "2"],
        &["-v", "call", "-f", &reference, "--cram", &reads, "-o", &vcf, "--region", "chrA:1-5000"],
        &["-f", &reference, "--reads", &reads, "-o", &vcf, "--targets", &bed],
    ];
    for line in lines {
        let line = [line, &["--dry-run"]].concat();
        varpix(&line).succeeds();
    }
    assert_eq!(world.outputs(), Vec::<String>::new());
    let hint = varpix(&["call", "-O", "z"]);
    assert!(hint.code == 2 && hint.stderr.contains("follows from the name of --output-vcf"), "{}", hint.stderr);
}

#[test]
fn quiet_and_verbose() {
    let world = World::new();
    assert_eq!(world.call(&["-q"]).succeeds().stderr, "");
    world.call(&["-q", "--regions", "chrZ"]).fails(2, &["chrZ"]);
    let more = world.call(&["-v"]).succeeds().stderr;
    for said in ["reads.bam.bai", "threads:", "regions of 1000 bp"] {
        assert!(more.contains(said), "{said} is not in: {more}");
        assert!(!world.call(&[]).succeeds().stderr.contains("threads:"));
    }
    assert_eq!(world.call(&["-q", "-v"]).code, 2);
}

#[test]
fn help_of_a_command_and_of_all() {
    let said = varpix(&["help", "call"]).succeeds().stdout;
    assert!(said.contains("--output-vcf") && said.contains("--dry-run"), "{said}");
    assert_eq!(varpix(&["help"]).succeeds().stdout, varpix(&["--help"]).succeeds().stdout);
    assert_eq!(varpix(&["help", "nonsense"]).code, 2);
}

#[test]
fn a_dry_run_checks_what_a_run_would() {
    let world = World::new();
    world.call(&["--dry-run", "--genotype-sites", &text(&world.path("none.vcf"))]).fails(3, &["none.vcf"]);
    let chunk = text(&world.write("chunk.bed", b"chrB\t0\t777\n"));
    world.call(&["--dry-run", "--chunk", &chunk]).fails(3, &["chunk.bed"]);
    world.call(&["--dry-run", "--output-gvcf", &text(&world.path("none/out.g.vcf"))]).fails(4, &["none"]);
    world.call(&["--dry-run"]).succeeds();
    assert_eq!(world.outputs(), Vec::<String>::new());
}

#[test]
fn paths_need_not_be_text() {
    let world = World::new();
    let folder = world.path("x").with_file_name(std::ffi::OsStr::from_bytes(b"m\xff"));
    std::fs::create_dir(&folder).unwrap();
    for name in ["model.json", "weights.safetensors", "small_model.json"] {
        std::fs::copy(model().join(name), folder.join(name)).unwrap();
    }
    let mut call = command(&["call", "--ref", &text(&world.reference), "--reads", &text(&world.reads)]);
    call.args(["--regions", "chrA:1-5000", "--header-command", "--output-vcf", &text(&world.vcf), "--model"])
        .arg(&folder);
    Outcome::from(call.output().unwrap()).succeeds();
    let mut named = command(&["call", "--sample-name"]);
    let outcome = Outcome::from(named.arg(std::ffi::OsStr::from_bytes(b"s\xff")).output().unwrap());
    outcome.fails(2, &["UTF-8"]);
}

#[test]
fn sites_and_truths_are_files() {
    let world = World::new();
    let pipe = text(&world.path("pipe.vcf"));
    tool("mkfifo", &[&pipe]);
    world.call(&["--genotype-sites", &pipe]).fails(3, &["pipe.vcf", "is a pipe"]);
    let explain = |vcf: &str| {
        varpix(&["explain", "-f", &text(&world.reference), "--reads", &text(&world.reads), "--variants", vcf])
    };
    explain(&pipe).fails(3, &["pipe.vcf", "is a pipe"]);
    explain(world.reads.parent().unwrap().to_str().unwrap()).fails(3, &["is a folder"]);
}

#[test]
fn variants_of_another_reference() {
    let world = World::new();
    let known = tool("bcftools", &["view", &text(&testdata("truth.vcf.gz"))]);
    let explain = |content: &str| {
        let vcf = text(&world.write("known.vcf", content.as_bytes()));
        varpix(&["explain", "-f", &text(&world.reference), "--reads", &text(&world.reads), "--variants", &vcf])
    };
    let said = explain(&(known.clone() + "chrZ\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n")).succeeds().stderr;
    assert!(said.contains("1 variant(s) are on contigs that the reference lacks (chrZ)"), "{said}");
    explain(&known.replace("\nchr", "\n")).fails(3, &["known.vcf", "'A'", "did you mean 'chrA'"]);
    let swapped = known.lines().map(|line| {
        let mut columns: Vec<&str> = line.split('\t').collect();
        if !line.starts_with('#') {
            columns.swap(3, 4);
        }
        columns.join("\t") + "\n"
    });
    explain(&swapped.collect::<String>()).fails(3, &["known.vcf", "of another genome", "chrA:"]);
}

#[test]
fn a_device_in_place_of_a_file() {
    let world = World::new();
    world.call(&["--genotype-sites", "/dev/zero"]).fails(3, &["/dev/zero", "is a device"]);
}
