//! What the tests share: the test data, a scratch folder, and the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of `testdata/`.
pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The committed model.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/wgs")
}

/// The header of alignments to the reference of `testdata/`.
pub const HEADER: &str =
    "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chrA\tLN:130000\n@SQ\tSN:chrB\tLN:70000\n@RG\tID:1\tSM:s\n";

/// A scratch folder with copies of the reads and the reference, to be broken at will.
pub struct World {
    folder: tempfile::TempDir,
    /// The reads.
    pub reads: PathBuf,
    /// The reference.
    pub reference: PathBuf,
    /// Where the calls go.
    pub vcf: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["reads.bam", "reads.bam.bai", "ref.fa", "ref.fa.fai"] {
            std::fs::copy(testdata(name), folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        Self { reads: at("reads.bam"), reference: at("ref.fa"), vcf: at("out.vcf.gz"), folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// The bases of the reference's first contig.
    pub fn bases(&self) -> String {
        let reference = std::fs::read_to_string(&self.reference).unwrap();
        reference.lines().skip(1).take_while(|line| !line.starts_with('>')).collect()
    }

    /// Calls a small region with extra arguments.
    pub fn call(&self, extra: &[&str]) -> Outcome {
        let mut args = vec!["call"];
        let (reference, reads, vcf) = (text(&self.reference), text(&self.reads), text(&self.vcf));
        args.extend(["--ref", &reference, "--reads", &reads, "--output-vcf", &vcf]);
        if !extra.contains(&"--regions") {
            args.extend(["--regions", "chrA:1-20000"]);
        }
        args.extend(extra);
        varpix(&args)
    }

    /// Files beside the inputs whose names begin like the output's, hidden ones too.
    pub fn outputs(&self) -> Vec<String> {
        let names =
            std::fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<_> = names.filter(|name| name.trim_start_matches('.').starts_with("out.")).collect();
        found.sort();
        found
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stderr: String,
    pub stdout: String,
}

impl Outcome {
    /// The number in that row of the table at a run's end.
    pub fn row(&self, name: &str) -> u64 {
        let line = self.stderr.lines().find(|line| line.contains(name)).expect("a row of the table");
        line.split_whitespace().last().and_then(|n| n.parse().ok()).expect("a number")
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Fails with that code and one sentence that holds all `words`.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        let sentence = self.stderr.trim_end().lines().last().unwrap_or_default();
        for word in words {
            assert!(sentence.contains(word), "'{word}' is not in: {sentence}");
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), stderr: text(output.stderr), stdout: text(output.stdout) }
    }
}

pub fn varpix(args: &[&str]) -> Outcome {
    Command::new(env!("CARGO_BIN_EXE_varpix")).args(args).output().unwrap().into()
}

/// Runs a program of the set-up and gives its stdout.
#[track_caller]
pub fn tool(program: &str, args: &[&str]) -> String {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}; run scripts/setup"));
    let outcome = Outcome::from(output);
    assert_eq!(outcome.code, 0, "{program} {args:?}: {}", outcome.stderr);
    outcome.stdout
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
